"""What is said of books, movies and games."""

BOOK = {
    "lead": ["{name}是{creator.job}{creator}创作的{genre}，于{year}年出版。", "{name}是{creator}的一部{genre}，{year}年由{company}出版。"],
    "publish": ["{s}由{company}于{year}年出版，全书共{pages}页。", "{year}年，{company}出版了{s}，全书{pages}页。"],
    "author": ["作者{creator}[是{creator.birthplace}人|出生于{creator.birthplace}]，[擅长|以]{creator.topic}[|闻名]。", "{creator}[花了三年|用了五年]时间才写完{s}。"],
    "plot": ["{s}以{place}为背景，讲述了{hero}{hero_name}{quest}的故事。", "故事发生在{place}，主人公{hero_name}是{hero}，为了{quest}而[四处奔走|踏上旅程]。"],
    "plot2": ["{hero_name}在路上[遇到了一个孩子|得到了一张旧地图]，[渐渐明白了父亲的心事|从此改变了命运]。", "在{place}，{hero_name}[失去了最好的朋友|认识了一位老人]，[故事由此展开|开始怀疑自己的选择]。"],
    "end": ["在[结尾|最后一章]，{hero_name}[独自离开了{place}|终于回到了{place}|决定留在{place}]。", "{hero_name}最后[没有成功|如愿以偿]，[却得到了众人的尊敬|却付出了很大的代价]。"],
    "theme": ["{s}的主题是{theme}。", "全书[围绕|探讨]{theme}，分为{chapters}章。"],
    "copies": ["{s}共售出{copies}册，[多次再版|一年内印了五次]。", "到{next_year}年，{s}的销量已达{copies}册。"],
    "critic": ["{critic.job}{critic}认为{s}{praise}，[但|只是]{flaw}。", "{critic}在书评中称赞{s}{praise}。"],
    "award": ["{next_year}年，{s}获得{award}。", "{creator}凭借{s}获得{next_year}年的{award}。"],
    "film": ["{s}后来被{film.creator}改编成电影{film}。", "{film.year}年，导演{film.creator}将{s}搬上银幕，片名为{film}。"],
    "reader": ["许多读者[给{creator}写信|专程到{place}旅行]，[询问|想知道]{hero_name}的[结局|原型]。", "{s}[被译成多种语言|入选中学课本]，[影响了一代读者|至今仍是畅销书]。"],
    "draft": ["{s}的初稿[曾在火车上丢失|被多家出版社退稿]，{creator}[只好重写|修改了七次]。", "据{creator}回忆，{hero_name}的原型是{place}的一位[邻居|老师]。"],
}

MOVIE = {
    "lead": ["{name}是{creator}执导的一部{genre}，由{actor}主演，于{year}年上映。", "{name}是{year}年上映的{genre}，导演为{creator}。"],
    "cast": ["{s}由{actor}主演，片长{minutes}分钟。", "{actor}在{s}中扮演{hero_name}，影片全长{minutes}分钟。"],
    "company": ["{s}由{company}出品，[投资巨大|成本不高]。", "{company}出品了{s}，[并负责发行|在各地同时上映]。"],
    "source": ["{s}改编自{source.creator}的{source}。", "影片的故事来自{source.creator}的作品{source}，[但结局不同|情节有所改动]。"],
    "plot": ["{s}讲述了{hero}{hero_name}{quest}的故事。", "影片中，{hero_name}是{hero}，为了{quest}来到{place}。"],
    "plot2": ["{hero_name}在{place}[遇到了老朋友|被人误会]，[两人一起上路|不得不连夜逃走]。", "到了{place}，{hero_name}发现[事情并不简单|所有人都在说谎]，[只好重新开始|陷入了困境]。"],
    "end": ["影片结尾，{hero_name}[站在雨中|登上了火车]，[没有说一句话|回头望着{place}]。", "最后，{hero_name}[原谅了对手|找到了真相]，[影片在歌声中结束|天也亮了]。"],
    "scene": ["{s}在{scene}拍摄，历时{days}天。", "影片的[主要|大部分]外景在{scene}拍摄，共用了{days}天。"],
    "music": ["{s}的音乐由{composer}创作。", "{composer.job}{composer}为{s}[写了主题曲|创作了配乐]，[旋律优美|深受好评]。"],
    "box": ["{s}的票房达到{box}元，[是当年的票房冠军|超出了{company}的预期]。", "影片上映后[一周|一个月]，票房达到{box}元。"],
    "critic": ["影评人认为{s}{praise}，[但|只是]{flaw}。", "{critic}在专栏中称赞{actor}的表演，认为影片{praise}。"],
    "award": ["{next_year}年，{s}获得{award}的最佳[影片|摄影|剧本]奖。", "{actor}凭借{s}获得{next_year}年的{award}。"],
    "theme": ["影片的主题是{theme}。", "{creator}说，{s}想表现的是{theme}。"],
    "shoot": ["拍摄期间，[大雪封山|机器发生故障]，{creator}[只好停工两周|临时修改了剧本]。", "为了演好{hero_name}，{actor}[减重十公斤|学了三个月的{place}方言]。"],
}

GAME = {
    "lead": ["{name}是{company}开发的一款{genre}，于{year}年推出。", "{name}是一款{genre}，由{creator}设计，{year}年在{platform}上推出。"],
    "maker": ["{s}由{creator}设计，{company}[发行|负责运营]。", "{company}请{creator}担任{s}的[制作人|总设计师]。"],
    "platform": ["{s}可以在{platform}上运行，售价{price}元。", "游戏[最初|先]在{platform}上推出，售价为{price}元。"],
    "plot": ["玩家扮演{hero}{hero_name}，在{place}{quest}。", "{s}的主人公{hero_name}是{hero}，任务是{quest}。"],
    "plot2": ["{hero_name}[可以结识同伴|需要收集线索]，[共同面对敌人|才能打开下一道门]。", "随着剧情发展，{hero_name}[发现|了解到]{place}的秘密，[不得不做出选择|真正的敌人也随之出现]。"],
    "levels": ["{s}共有{levels}个关卡，[难度逐渐提高|每关都有隐藏道具]。", "游戏分为{levels}关，[通关|全部完成]大约需要三十个小时。"],
    "map": ["{s}的地图参考了{scene}的[风景|建筑]。", "玩家可以在{s}中看到以{scene}为原型的[城堡|山谷]。"],
    "music": ["{s}的音乐由{composer}创作，[以弦乐为主|带有民歌风格]。", "{composer.job}{composer}为{s}创作了音乐。"],
    "players": ["{s}的玩家超过{players}人。", "到{next_year}年，{s}的注册玩家达到{players}人。"],
    "critic": ["评论认为{s}{praise}，[但|只是]{flaw}。", "玩家[普遍|大多]认为{s}{praise}。"],
    "award": ["{next_year}年，{s}获得{award}的最佳[游戏|音乐|美术]奖。", "{s}在{next_year}年获得{award}。"],
    "update": ["{next_year}年，{company}为{s}推出了[新地图|新角色]，[玩家人数再次增加|修正了许多错误]。", "{company}在{next_year}年更新了{s}，[增加了多人模式|降低了难度]。"],
    "theme": ["{s}的剧情围绕{theme}展开。", "{creator}表示，{s}想通过{hero_name}的经历表现{theme}。"],
    "match": ["{place}每年举办{name}的比赛，[吸引数千名玩家|冠军可获得奖金]。", "{s}的职业比赛在{place}举行，[现场座无虚席|由{company}主办]。"],
}
