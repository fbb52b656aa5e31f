"""News titles about the sample world in the form of TNEWS: JSON lines of label, label_desc, sentence and keywords."""

from dump2bert.sample.cluener import EVERYWHERE, draw, surfaces
from dump2bert.sample.sentences import fill

DEV_SHARE = 0.2   # dev records per train record
LABELS = {"100": "news_story", "101": "news_culture", "102": "news_entertainment", "103": "news_sports",
          "104": "news_finance",
          "106": "news_house", "107": "news_car", "108": "news_edu", "109": "news_tech", "110": "news_military",
          "112": "news_travel",
          "113": "news_world", "114": "news_stock", "115": "news_agriculture", "116": "news_game"}
TITLES = {
    "news_story": ["[故事|民间故事]：{town}的[老石匠|穷秀才]和[一只白狐|三枚铜钱]", "[深夜|清晨]，一位[老人|姑娘]敲开了{town}的[庙门|药铺]，结局[出人意料|让人落泪]",
                   "小说：[丈夫|妻子]离家十年，归来时[物是人非|判若两人]", "{name}[年轻时|小时候]的一个[谎言|约定]，[改变了|影响了]他的一生"],
    "news_culture": ["{name}的[书法|国画]，[你看值多少钱|功力如何]？", "{book}为什么[经久不衰|值得一读]？", "{scene}出土[古代铜镜|石碑]，[专家|学者]争论不休",
                     "[古人|先人]写{scene}的[诗|词]，[哪一首最美|你读过几首]？", "{name}新作{book}[出版|发布]，[写尽|记录]{town}往事"],
    "news_entertainment": ["{movie}[票房破亿|口碑大涨]，{name}[发文感谢|激动落泪]", "{name}和{name_2}[公开恋情|合作新片]，[粉丝|网友]：[祝福|太意外了]",
                           "{name}[红毯|片场]造型[惊艳|翻车]，[网友热议|认不出来了]", "{studio}[公布|宣布]新片阵容，{name}[出演主角|意外落选]",
                           "看完{movie}，最[心疼|佩服]的是{name}"],
    "news_sports": ["{team}[大胜|险胜]{team_2}，{name}[独得30分|打进两球]", "{name}[伤愈复出|宣布退役]，{team}[迎来好消息|失去主力]",
                    "[联赛|决赛]前瞻：{team}能否[击败|挡住]{team_2}？",
                    "{team}[换帅|解雇主教练]，{name}[接任|成为候选]", "[关键战|第十轮]{team}[0比2|1比1]{team_2}，[球迷失望|全场沸腾]"],
    "news_finance": ["{company}[获得|完成]新一轮融资，[估值|金额]超[十|百]亿", "{company}[净利润|收入]增长三成，{name}：[未来可期|不会盲目扩张]",
                     "[存款|理财]利率[下调|上升]，{town}市民[该怎么办|排起长队]",
                     "{company}与{company_2}[达成合作|对簿公堂]", "[年薪|月薪]过万，为什么[还是存不下钱|依然焦虑]？"],
    "news_house": ["{town}房价[连跌三月|再次上涨]，[现在能买吗|刚需怎么办]？", "{town}[新楼盘|二手房]开盘，[每平方米一万二|首付只要两成]", "[装修|买房]时[千万别|一定要]注意这五点",
                   "租房[还是|或者]买房？{town}的[年轻人|上班族]这样选", "{estate}在{town}[拿地|交房]，[业主|居民][很满意|集体维权]"],
    "news_car": ["{company}[新款电动车|新越野车]亮相，[油耗|续航][惊人|令人失望]", "[十万元|二十万元]的车，[这三款|哪一款]最[省油|实用]？",
                 "开了三年的{company}汽车，[车主|老司机]说出[真心话|优缺点]",
                 "[新手|女司机]倒车[必看|怎么练]？[老司机|教练]教你[三招|一招]", "{town}[限行|油价]又有[新规|变化]，车主[注意|看过来]"],
    "news_edu": ["{school}[公布|发布]招生计划，[新增|扩招][三个专业|200人]", "孩子[不爱|不想]写作业，[家长|老师][怎么办|应该打骂吗]？",
                 "[高考|中考]倒计时，{town}[考生|家长][注意|必看]",
                 "{school}教授{name}：[读书|学数学]没有捷径", "考上{school}的[学生|年轻人]，[后来|现在]都[怎么样了|做什么]？"],
    "news_tech": ["{company}[发布|推出]新[手机|芯片]，[性能|价格][提升一倍|让人心动]", "[人工智能|机器人]会[取代|超过]{position}吗？",
                  "{company}[服务器故障|系统升级]，[大量用户|网友]无法登录",
                  "[手机|电脑]越用越[卡|慢]？[关掉|清理]这几个[功能|软件]", "{name}：{company}的[芯片|软件]三年内[不会|一定]落后"],
    "news_military": ["[新型|国产][战机|军舰]首次[试飞|下水]，[速度|射程]惊人", "{town}[驻军|民兵]举行[夜间|冬季]演习，[坦克|火炮]全部出动",
                      "[老兵|将军]{name}[回忆|讲述]{town}战役",
                      "[导弹|潜艇]为什么[这么贵|难以拦截]？", "[海军|空军]新[雷达|直升机]曝光，[专家|军迷]：[很先进|终于来了]"],
    "news_travel": ["[周末|假期]去{scene}[怎么玩|要花多少钱]？", "{town}最值得去的[五个|三个]地方，{scene}[排第一|上榜]",
                    "{scene}门票[涨价|免费]，[游客|网友]：[还去吗|太好了]",
                    "一个人[自驾|骑行]到{scene}，[风景太美|花了三天]", "从{town}[出发|坐火车]到{scene}，[沿途|攻略]全在这里"],
    "news_world": ["[两国|多国]外长会谈，[边境|贸易]问题[没有进展|达成共识]", "[海外|国外]媒体：[总统|首相][访问|点名批评]{town}",
                   "[邻国|岛国]发生[地震|政变]，[数百人|各国侨民][撤离|被困]",
                   "[大使|使馆][提醒|证实]：{town}[公民|游客]在[国外|海外]遇险", "[联合国|国际组织][通过|否决]关于[难民|海洋]的决议"],
    "news_stock": ["{company}[涨停|跌停]，[散户|投资者]还能[追|等]吗？", "[午评|收评]：[大盘|指数][震荡|收跌]，{company}[领涨|走弱]",
                   "{company}发布[半年报|公告]，[股东|机构][减持|增持]2%",
                   "[新股|今日]{company}[上市|申购]，[发行价|首日]12.8元", "[下周|明日]股市[怎么走|会反弹吗]？[关注|看好]这三[只股|个板块]"],
    "news_agriculture": ["{town}[苹果|水稻][丰收|滞销]，[农民|果农][发愁|笑开了花]", "[养猪|养鸡]一年[赚|亏]多少？{town}[农户|养殖户][算了笔账|说实话]",
                         "[玉米|小麦]什么时候[施肥|打药][最好|产量高]？",
                         "[农村|乡下]这种[野草|树叶]，[一斤|晒干]能卖[五十元|高价]", "{town}推广[大棚|节水]种植，[每亩|亩产]增收[三成|两千元]"],
    "news_game": ["{game}[新版本|新英雄]上线，[玩家|网友]：[太强了|求削弱]", "{game}和{game_2}，[哪个更好玩|你选谁]？",
                  "{gamehouse}[宣布|确认]{game}[停服|推出续作]",
                  "{game}[新手|零氪]怎么[升级|打]最快？", "[职业选手|主播]{name}[直播|挑战]{game}，[翻车|创造纪录]"],
}


def records(rng, world, count):
    """(train, dev): records without repetition, dev `count * DEV_SHARE`."""
    pools = surfaces(rng, world)
    made, texts = [], set()
    while len(made) < count + max(1, round(count * DEV_SHARE)):
        label = rng.choice(tuple(LABELS))
        template = rng.choice(TITLES[LABELS[label]])
        statement = fill(rng, label, template, draw(rng, pools, template, EVERYWHERE))
        if statement.text not in texts:
            texts.add(statement.text)
            keywords = dict.fromkeys(segment.text for *_, segment in statement.spans())
            made.append({"label": label, "label_desc": LABELS[label], "sentence": statement.text,
                         "keywords": ",".join(keywords)})
    return made[:count], made[count:]


def labels():
    return [{"label": label, "label_desc": name} for label, name in LABELS.items()]
