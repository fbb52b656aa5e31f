"""What is said of regions, places, rivers and scenic spots."""

REGION = {
    "lead": ["{name}是一个[以{terrain}为主的|多{terrain}的]地区，首府为{capital}。", "{name}，首府{capital}，境内以{terrain}为主。"],
    "size": ["{s}面积约{area}平方公里，人口约{population}。", "全境面积约{area}平方公里，[常住|户籍]人口约{population}。"],
    "founded": ["{s}设立于{year}年，设立时首府就在{capital}。", "{year}年，{s}[正式|]设立，以{capital}为首府。"],
    "river": ["{river}是{s}境内[最长|最重要]的河流之一。", "{s}的河流[主要|]有{river}等。"],
    "crop": ["{s}盛产{crop}，农业历史悠久。", "农业以种植{crop}为主，产量在各地区中名列前茅。"],
    "industry": ["{s}的{industry}业十分发达。", "工业以{industry}为主，大部分工厂集中在{capital}。"],
    "scenic": ["{scenic}是{s}[著名|最受欢迎]的旅游景点。", "每年都有许多游客到{s}游览{scenic}。"],
    "places": ["{s}的主要城镇有{place}和{capital}。", "除{capital}外，{place}也是{s}的重要城镇。"],
}

PLACE = {
    "lead": ["{name}是{region}[下辖|所属]的一个{level}，位于{region}{direction}。", "{name}位于{region}{direction}，是{region}的一个{level}。"],
    "size": ["{s}面积{area}平方公里，人口约{population}人。", "全{level}总面积{area}平方公里，[常住|总]人口约{population}人。"],
    "terrain": ["{s}境内以{terrain}为主，[地势北高南低|地势西高东低|地势较为平坦]。", "{s}地处{terrain}，[土地肥沃|交通方便|水源充足]。"],
    "river": ["{river}流经{s}，为当地提供了[充足的水源|重要的航道]。", "{s}的[主要|]河流是{river}，[两岸土地肥沃|沿岸人口密集]。"],
    "neighbour": ["{s}与{neighbour}相邻，两地相距约{distance}公里。", "从{s}到{neighbour}约有{distance}公里，[有公路相通|坐汽车约需一小时]。"],
    "climate": ["{s}年平均气温为{temperature}度，年降水量约{rain}毫米。", "当地气候[温和|湿润|四季分明]，年平均气温{temperature}度，年降水量约{rain}毫米。"],
    "founded": ["{s}始建于{year}年，[因商人聚集而兴起|最初只是一个渡口|最初是一座军营]。", "{year}年，[人们开始在此定居|朝廷在此设立集市]，{s}由此[逐渐|]发展起来。"],
    "flood": ["{flood}年，{river}发生[特大|严重]洪水，{s}[损失惨重|大部分房屋被毁]。", "{s}在{flood}年遭遇{river}的洪水，灾后[用了三年时间|得到各地援助才]重建。"],
    "rail": ["{rail}年，通往{neighbour}的铁路建成，{s}的经济[迅速|]发展起来。", "{s}在{rail}年通了铁路，可以直达{neighbour}。"],
    "villages": ["{s}下辖{villages}个村，{level}政府设在{street}。", "全{level}共有{villages}个村，{level}政府位于{street}。"],
    "crop": ["{s}的农产品以{crop}最为有名。", "当地农民[大多|主要]种植{crop}，产品销往{region}各地。"],
    "industry": ["{s}的工业以{industry}为主。", "{industry}业是{s}的支柱产业。", "近年来，{s}的{industry}业发展很快。"],
    "company": ["{company}的总部设在{s}。", "总部位于{s}的企业有{company}等。"],
    "organization": ["{organization}设在{s}的{street}附近。", "{s}是{organization}的所在地。"],
    "government": ["{government}负责{s}的{government.duty}工作。", "{s}的{government.duty}由{government}主管。"],
    "food": ["{s}的{food}[远近闻名|是有名的小吃|味道独特]，[游客常常买来送给亲友|几乎每条街上都有店铺出售]。", "到{s}的游客[大多|都]会品尝当地的{food}。"],
    "festival": ["每年{month}月，{s}都会举办{festival}，[吸引各地游客|全{level}居民都会参加|热闹非凡]。", "{s}的{festival}在每年{month}月举行，[已有上百年的历史|十分热闹]。"],
    "tree": ["{tree}是{s}的{level}树，[街道两旁随处可见|城中有许多百年老树]。", "{s}的街道两旁种满了{tree}。"],
    "scenic": ["{scenic}位于{s}，[是有名的风景区|每年接待大批游客]。", "{s}[最有名|最受欢迎]的景点是{scenic}。"],
    "native": ["{native.job}{native}出生于{s}。", "{s}出过不少名人，{native.job}{native}就是其中之一。"],
    "work": ["{work}的故事就发生在{s}。", "{s}是{work}中故事发生的地方。"],
}

RIVER = {
    "lead": ["{name}是{region}境内的一条河流，全长{length}公里。", "{name}是流经{region}的河流，长{length}公里。"],
    "basin": ["{s}的流域面积为{basin}平方公里，[平均|年平均]流量为每秒{flow}立方米。", "流域面积{basin}平方公里，平均流量每秒{flow}立方米。"],
    "course": ["{s}自西向东流经{place}，[最后注入大海|最后汇入湖泊]。", "{s}发源于{region}的山区，[向南|向东|向北]流经{place}。"],
    "tributary": ["{tributary}是{s}[最大|最长]的支流，长{tributary.length}公里。", "{s}的支流中，以{tributary}最为重要。"],
    "width": ["{s}在{place}附近河面最宽，约{width}米。", "到了{place}，河面变宽，最宽处约{width}米。"],
    "fish": ["{s}盛产{fish}，沿岸居民[多以捕鱼为生|有捕鱼的传统]。", "河中生活着{fish}等鱼类，{bird}也常在河边出现。"],
    "flood": ["{flood}年，{s}发生大洪水，{place}受灾[最重|严重]。", "{s}在{flood}年的洪水[冲毁了|淹没了]{place}的大片农田。"],
    "dam": ["{dam_year}年，人们在{place}附近的河段修建了水坝，用于[发电|灌溉|防洪]。", "{place}的水坝建于{dam_year}年，是{s}上的第一座水坝。"],
    "farm": ["{s}两岸土地肥沃，适合种植{crop}。", "{place}的农民用{s}的河水灌溉{crop}。"],
    "ship": ["{s}下游可以通航，[货船|客船]可以直达{place}。", "{s}是{region}的重要航道，[木材和粮食|煤炭和盐]由此运往各地。"],
    "bird": ["冬季常有{bird}飞到{s}沿岸过冬。", "{s}的湿地是{bird}的栖息地。"],
    "clean": ["近年来，{region}[开始治理|加强保护]{s}的水质，河水[又变得清澈|逐渐变清]。", "由于工厂排放废水，{s}曾一度污染严重，[后来|经过治理]水质明显好转。"],
}

SCENIC = {
    "lead": ["{name}是{place}的一处[旅游景点|风景名胜]，距{place}中心约{distance}公里。", "{name}位于{region}{place}，是当地[著名|有名]的景点。"],
    "height": ["{s}海拔{height}米，[山势险峻|风景秀丽|常年云雾缭绕]。", "景区[最高处|主峰]海拔{height}米，可以远望{place}全城。"],
    "area": ["{s}占地约{area}平方公里，[分为东西两个部分|分为三个游览区]。", "景区面积约{area}平方公里，[步行|]游览[全程|一圈]需要{hours}个小时。"],
    "history": ["{s}的历史可以追溯到{year}年，[当时这里只有几户人家|当时是商人来往的必经之路]。", "据记载，{year}年[就有诗人|就有旅行者]到{s}游览，并留下了[诗文|石刻]。"],
    "fire": ["{fire}年的一场大火烧毁了{s}的[部分|大部分]建筑，[后来|几年后]由居民集资重修。", "{s}在{fire}年毁于大火，[后来|不久]按原样重建。"],
    "open": ["{open_year}年，{s}正式对游客开放，[门票|成人票]价格为{price}元。", "{s}于{open_year}年开放，门票{price}元，[学生半价|老人和儿童免费]。"],
    "visitors": ["{s}每年接待游客约{visitors}人次，[以春秋两季最多|其中多数来自{region}]。", "每年约有{visitors}人次到{s}游览。"],
    "tree": ["{s}种有大量{tree}，[秋天叶子变黄时景色最美|有的树龄超过三百年]。", "游客可以在{s}看到[成片|高大]的{tree}。"],
    "animal": ["{s}一带生活着{animal}和{bird}等动物。", "在{s}，[清晨|傍晚]常能见到{animal}和{bird}。"],
    "season": ["{month}月是游览{s}的最佳时间，[天气晴朗|花开得最盛|游客也不太多]。", "每年{month}月，{s}都会举办[摄影展|登山比赛|花展]。"],
    "legend": ["[当地传说|相传]，[一位老僧|一位渔夫|一对兄弟]曾在{s}[种下|埋下]一棵{tree}，[保佑|祝愿]{place}风调雨顺。", "关于{s}的来历，{place}流传着[一位将军|一位公主|一位石匠]的故事。"],
    "road": ["从{place}乘[公共汽车|旅游专线]可以直达{s}，全程{distance}公里。", "{s}距{place}火车站{distance}公里，[每天有班车往返|交通方便]。"],
    "protect": ["为了保护{s}的环境，{place}[限制了每天的游客人数|禁止在景区内建造新的酒店]。", "{s}[已|]被{region}列为重点保护[单位|景区]。"],
    "painter": ["许多画家[喜欢到|常到]{s}写生，[画下日出的景色|画下雪后的景色]。", "{s}的日出[常常|多次]出现在{place}的明信片上。"],
}
