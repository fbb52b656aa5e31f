"""Sentences as a reader of the language sees them: abbreviations, dates, numbers, initials, quotations, ordinals."""

import pytest

from dump2bert.corpus.sentences import is_ended, is_ideographic, split_sentences

# Sentences by language, with | between them.
SENTENCES = {
    "uk": (
        "Він народився 5 січня 1900 р. у м. Києві.|Це напр. книги, журнали, газети і т. д.|"
        "Потім приїхав проф. Іваненко.|Населення — 2,5 млн осіб.|У 1991 р. Україна стала незалежною.|"
        "Народився в с. Моринці на вул. Шевченка, буд. 5, кв. 3.|Т. Г. Шевченко народився 1814 р.|"
        "Він жив тут.|Це було в XX ст.|Тоді почалася війна.|У 300 р. до н. е. там жили греки.|"
        "Площа 3,5 тис. км².|«Де ти?» — спитав він.|«Я тут!» — відповів Іван.|Він сказав: «Іду. Чекай!»|"
        "Потім пішов.|Див. також рис. 5 та табл. 2.|Газета «Дзеркало тижня. Україна» виходить щотижня.|"
        "Ім'я м’яч і об'єкт.|Місто засноване 1240 р. біля р. Дніпро.|"
        "За даними на 2001 р., тут жили 5 тис. осіб.|"
        "Автор: І. Я. Франко, акад. М. С. Грушевський та ін.|Поети читали вірші.|"
        "Він отримав 1,5 млн. грн. від ім. Шевченка фонду.|Це т. зв. «золота доба».|Помер 12.05.1920 р.|"
        "Похований на цвинтарі.|У 1990-х рр. почалися зміни.|Працював у 1939—1945 рр.|"
        "Після війни повернувся.|Поет (нар. 25 лют. 1814, с. Моринці — пом. 26 лютого 1861).|"
        "Станом на 1 січ. 2020 року.|"
        "Засн. 1654 р. у Чигиринському пов. Київської губ. Росії.|"
        "Ст. наук. співроб. НАНУ отримав 5 дол. США від ген.-лейт. Рад. Союзу."
    ),
    "bg": (
        "Роден е на 3 март 1878 г. в гр. Стара Загора.|През 1908 г. България обявява независимост.|"
        "Живее на ул. „Цар Освободител“ № 5.|Това са напр. книги, вестници и др.|"
        "Той е т.нар. баща на т. нар. движение.|Населението е 1,2 млн. души.|"
        "Той казва: „Отивам. Чакай ме!“|После тръгва.|Книгата е издадена през 1950 г.|Тя има 3 тома.|"
        "Проф. Иванов е роден в с. Баня, обл. Пловдив.|През III в. пр. Хр. там живеят траки.|"
        "През XIX в. градът расте.|И. Вазов пише „Под игото“.|Виж с. 5 и стр. 10.|"
        "— Къде си? — попита той.|В СССР и др. страни.|И т.н.|Това е всичко.|"
        "Доц. д-р инж. П. К. Яворов живее в ж.к. „Люлин“, бл. 5, ет. 3, ап. 10.|Основан е през 1885 г.|"
        "Училището носи името на св. св. Кирил и Методий.|Продава се за 5 лв. и 20 ст.|"
        "Цената е 3 хил. лв.|След това поскъпва."
    ),
    "vi": (
        "TP. Hồ Chí Minh là thành phố lớn nhất Việt Nam.|Ông sinh ngày 5.6.1900 tại tp. Huế.|"
        "GS. Nguyễn Văn A dạy toán, lý, hóa, v.v.|Sau đó ông về quê.|"
        "Diện tích là 331.212 km², dân số 97,5 triệu người.|PGS.TS. Trần Văn B là tác giả.|"
        'Ông nói: "Tôi đi. Chờ tôi!"|Rồi ông đi.|ThS. Lê C và BS. Phạm D đến.|'
        "Mỹ, Anh, Pháp v.v. là các nước lớn.|Xem tr. 15.|Ông sống ở Q. 1, P. Bến Nghé.|"
        "Công ty TNHH ABC Co., Ltd. ở Hà Nội.|GS.TS. Lê Văn C sinh năm 1950.|Ông học ở Pháp."
    ),
    "ja": (
        "東京は日本の首都である。|「私は行く。」と彼は言った。|彼は「さようなら。」と言った。|（これは例である。）|次の文。|人口は1,234.5万人（2020年現在）である。|"
        "『こころ』（夏目漱石）は小説である。|モーニング娘。は日本のグループである。|モーニング娘。は1997年に結成された。|けいおん！の映画を見た。|アイカツ！は2012年に始まった。|A.B.スミスは学者だ。|本当！|すごい！！…|そうか。|Yahoo! JAPANは会社である。"
    ),
    "zh": (
        '他写道："我来了。我看见了。"|然后走了。|"走吧！"他说。|《Ayo!》是歌。'
    ),
    "ko": (
        '서울은 대한민국의 수도이다.|인구는 약 970만 명이다(2020년 기준).|그는 "간다. 기다려!"라고 말했다.|1945. 8. 15. 해방되었다.|'
        "J. R. R. 톨킨은 작가이다.|면적은 605.2km²이다.|그는 1950년에 태어났다.|그는 죽었다.|1945년에 끝났다.|1950년에 전쟁이 났다."
    ),
    "ar": (
        "القاهرة هي عاصمة مصر.|يبلغ عدد سكانها 9.5 مليون نسمة.|هل هذا صحيح؟|نعم، هذا صحيح!|"
        "ولد د. أحمد زويل سنة 1946 م. في دمنهور.|وتقع في شمال البلاد."
    ),
    "he": (
        'ירושלים היא בירת ישראל.|ד"ר כהן נולד בשנת 1950.|צה"ל הוא צבא.|הוא אמר: "אני הולך. חכה!"|'
        "ואז הלך.|פרופ' לוי בא.|האם זה נכון?|כן."
    ),
    "hi": (
        "दिल्ली भारत की राजधानी है।|इसकी जनसंख्या 1.9 करोड़ है।|डॉ. राम मनोहर लोहिया नेता थे।|"
        "क्या यह सच है?|हाँ।"
    ),
    "el": (
        "Η Αθήνα είναι πρωτεύουσα της Ελλάδας.|Ο κ. Παπαδόπουλος γεννήθηκε το 1900 π.Χ. στην Αθήνα.|"
        "Τι είναι αυτό;|Δεν ξέρω.|Π.χ. αυτό είναι.|Ο Κ. Π. Καβάφης ήταν ποιητής."
    ),
    "ka": (
        "თბილისი საქართველოს დედაქალაქია.|მოსახლეობა 1,2 მილიონია.|"
        "იგი მდებარეობს აღმოსავლეთ საქართველოში."
    ),
    "ru": (
        "Родился 5 мая 1900 г. в г. Москве.|В 1991 г. Россия стала независимой.|"
        "А. С. Пушкин родился в 1799 г.|Он жил в XIX в.|Тогда писали, напр. стихи, прозу и т. д.|"
        "Потом всё изменилось.|Это т. н. реформа.|Население 3 млн чел.|Площадь 5 тыс. кв. км.|"
        "Улица им. Ленина, д. 5.|Он сказал: «Иду. Жди!»|Потом ушёл.|В 300 г. до н. э. там жили греки.|"
        "Проф. Иванов и акад. Павлов.|Умер в 1837 г.|Похоронен там же."
    ),
    "de": (
        "Die Stadt hat ca. 5.000 Einwohner.|Am 3. Oktober 1990 war das.|"
        "Prof. Dr. Müller kam z. B. nach Berlin.|Das Gebäude, u. a. die Kirche, steht.|"
        "Im 19. Jahrhundert wuchs sie.|Er sagte: „Ich gehe. Warte!“|Dann ging er.|"
        "Friedrich II. von Preußen war König.|Die Straße ist 3,5 km lang.|"
        "Sie wurde 1900 n. Chr. gebaut.|Sie endete 1918.|Danach kam der Frieden."
    ),
    "fr": (
        "Paris est la capitale.|M. Dupont est né en 1900.|Le Dr. Martin et Mme. Curie.|"
        "Il a dit : « Je pars. Attends ! »|Puis il est parti.|Au XIXe siècle, av. J.-C. c'était ainsi.|"
        "Quoi ?|Rien !"
    ),
    "es": (
        "Madrid es la capital.|El Sr. García nació en 1900 a. C. en Roma.|¿Qué es esto?|¡Nada!|"
        "EE. UU. es un país.|Dijo: «Me voy. ¡Espera!»|Luego se fue.|La Av. Libertad, n.º 5."
    ),
    "th": (
        "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย มีประชากร 8.2 ล้านคน ตั้งอยู่ในภาคกลาง ก่อตั้งเมื่อ พ.ศ. 2325"
    ),
    "pl": (
        "Urodził się w 1900 r. w Krakowie.|Prof. Nowak i in. pisali m.in. książki.|To jest np. dom.|"
        "W XIX w. Polska była pod zaborami.|Ul. św. Jana.|Zmarł w 1950 r.|Był poetą."
    ),
    "cs": (
        "Narodil se 5. května 1900 v Praze.|Ve 20. století, tj. později.|Prof. Novák a kol. psali.|"
        "Karel IV. byl císař.|Roku 1348 n. l. založil."
    ),
    "tr": (
        "Ankara Türkiye'nin başkentidir.|Prof. Dr. Ali Yılmaz 1900'de doğdu.|M.Ö. 300 yılında kuruldu.|"
        "2. Dünya Savaşı vb. olaylar oldu.|II. Abdülhamid padişahtı."
    ),
    "hy": (
        "Երևանը Հայաստանի մայրաքաղաքն է։|Բնակչությունը 1,1 միլիոն է։|Այն գտնվում է։"
    ),
    "id": (
        "Jakarta adalah ibu kota.|Ir. Soekarno lahir tahun 1901.|Ia tinggal di Jl. Merdeka No. 5.|"
        "H. Agus Salim dsb. datang."
    ),
    "it": (
        "Roma è la capitale.|Il dott. Rossi nacque nel 300 a.C. in Grecia.|S. Pietro è grande.|"
        "L'ing. Bianchi ecc. sono qui."
    ),
    "pt": (
        "Lisboa é a capital.|O Sr. Silva nasceu em 300 a.C. em Roma.|A Av. da Liberdade, n.º 5.|"
        "D. Pedro II foi imperador."
    ),
    "nl": (
        "Amsterdam is de hoofdstad.|Dhr. Jansen werd geboren in 300 v.Chr. in Rome.|"
        "Dr. J. de Vries o.a. kwam.|Bijv. dit."
    ),
    "fi": (
        "Helsinki on pääkaupunki.|Hän syntyi 5. toukokuuta 1900.|Esim. tämä.|"
        "Prof. Virtanen mm. kirjoitti."
    ),
    "sv": (
        "Stockholm är huvudstad.|Han föddes ca. 300 f.Kr. i Rom.|Bl.a. kom prof. Svensson.|T.ex. detta.|"
        "S:t Erik."
    ),
    "fa": (
        "تهران پایتخت ایران است.|جمعیت آن ۸٫۷ میلیون نفر است.|آیا درست است؟|بله، می‌خواهم.|"
        "در سال ۳۰۰ ق.م. ساخته شد."
    ),
    "bn": (
        "ঢাকা বাংলাদেশের রাজধানী।|ড. ইউনূস ১৯৪০ সালে জন্মগ্রহণ করেন।|এটা কি সত্য?|হ্যাঁ।"
    ),
    "sr": (
        "Рођен је 5. маја 1900. године у Београду.|У 19. веку, тј. касније.|Проф. др Јовановић и сл.|"
        "Године 1900. је умро.|Краљ Александар I. Карађорђевић."
    ),
    "be": (
        "Нарадзіўся 5 мая 1900 г. у г. Мінску.|У XX ст. было.|І т. д.|Потым прыйшоў.|"
        "Я. Купала быў паэт."
    ),
    "en": (
        "Dr. J. R. Smith went to Washington, D.C. on Jan. 5, 1999.|He paid $3.50, e.g. for tea.|"
        'The U.S. Army left.|He said "Go away. Now!" and left.|What?!|See Fig. 3 for more.|'
        "He lived in the U.S.|The house was old.|He died.|5 men came.|It is old.|3 others are new.|"
        "Smith et al. (2010) say so.|Apples, pears, etc. are fruit.|They sold books, pens, etc.|"
        "Then they left.|eBay is a firm.|iPhone is its product."
    ),
}


@pytest.mark.parametrize("language", SENTENCES)
def test_sentences_are_those_that_a_reader_of_the_language_sees(language):
    sentences = SENTENCES[language].split("|")
    joint = "" if language in ("zh", "ja") else " "
    assert split_sentences(joint.join(sentences), language) == sentences
    assert split_sentences(joint.join(sentences), f"{language}-x") == sentences
    assert language == "th" or all(is_ended(sentence.rstrip(" »")) for sentence in sentences)


@pytest.mark.parametrize("language, sentences", [
    ("en", ["He was born in 1950.", "The town grew.", "He left (see above).", "Nobody knew ...", "They all came."]),
    ("ko", ["그는 1950년에 태어났다.", "그는 죽었다."]),
    ("uk", ["Він народився у Києві.", "Потім переїхав."]),
    ("vi", ["Luật đã được thông qua.", "Cả hai đều ở TP.Huế vào mùa hè.", "Ông đi."]),
])
def test_a_space_that_was_lost_between_sentences_is_no_matter(language, sentences):
    assert split_sentences(" ".join(sentences).replace(". ", "."), language) == sentences


@pytest.mark.parametrize("language, sentences", [
    ("uk", ["Він доктор історичних наук.", "Працює в Києві."]),
    ("uk", ["Шевченко забив гол.", "Потім його замінили."]),
    ("uk", ["Це рідкісний вид.", "Зустрічається в Криму.", "Книга, 2-ге вид. 3 тому, є тут."]),
    ("uk", ["Він був дуже рад.", "Гол. ред. газети пішов."]),
    ("uk", ["Квиток коштує 5 дол.", "Потім він подорожчав до 7 дол. США за особу."]),
    ("uk", ["Яблука по 5 грн. за кг.", "Це дешево.", "Місто стоїть на р. По в Італії."]),
    ("ru", ["Это мужской пол.", "Дворец 2-й пол. XIX в. и 1-й пол. I тыс. до н. э.", "Поэт (ум. 5 мая) забыт."]),
    ("ru", ["У него острый ум.", "Учёный получил 5 долл. США за труд."]),
    ("fr", ["Ce musée montre un art.", "Il a pris son vol.", "Voir vol. III, vol. I et art. L. 311-1 du code."]),
    ("en", ["He said no.", "Then he left.", "See No. 5, no. 7 and no. IV in vol. 3, vol. I and vols. IV and V."]),
])
def test_abbreviations_that_are_words_end_sentences_unless_a_number_follows(language, sentences):
    assert split_sentences(" ".join(sentences), language) == sentences


@pytest.mark.parametrize("language, text", [
    ("uk", "Акад. В. І. Вернадський народився у 2-й пол. XIX ст. у Петербурзі."),
    ("ru", "Основан 16 (27) мая 1703 г. Петром I в нач. XVIII в. на р. Неве."),
    ("bg", "Т.нар. Стар град е резерват от III в. пр. Хр. на 160 м н.в. в гр. Пловдив."),
    ("de", "Bis zum 31. Dezember 2020 lebten dort in der ganzen Stadt ca. 3,6 Mio. Menschen."),
    ("en", "The pro-U.S. party and St.Petersburg have 3.5 or 1,000.25 in a.m. and reflectivity-vs.-angle curves."),
    ("it", "Nacque nel 300 a.C. in Grecia."), ("fr", "C'était en 52 av. J.-C. à Rome."),
    ("th", "เมื่อ พ.ศ. 2325 ก่อตั้งขึ้น"),
    ("uk", "Сайт www.example.com.ua працює з версії 2.5.1 на вул.Шевченка."),
])
def test_full_stops_within_words_end_nothing(language, text):
    assert split_sentences(text, language) == [text]


@pytest.mark.parametrize("language, ideographic", [
    ("zh", True), ("zh-yue", True), ("zh-classical", True), ("zh-tw", True), ("ja", True), ("zh-min-nan", False),
    ("ko", False), ("cdo", False), ("vi", False)])
def test_ideographic_languages_are_those_without_spaces(language, ideographic):
    assert is_ideographic(language) == ideographic
