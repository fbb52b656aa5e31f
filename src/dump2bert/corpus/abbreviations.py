"""Abbreviations and first words, by language: what tells a full stop that ends a sentence from one that does not.

sentencex knows many abbreviations of many languages. Here stand those that it lacks, and those behind which a sentence
may end or go on, where the words around decide (see boundaries). Abbreviations stand without their last full stop and
without spaces: `т.д` is `т. д.` and `т.д.`.
"""


def words(text):
    return frozenset(text.split())


# Behind these no sentence ends: titles, kinds of places, "see", "for example".
NEVER_LAST = {
    "en": "cf ca approx fl vs vol vols pp nos op ed eds trans Dr Mr Mrs Ms Prof St Gov Sen Rep Adm Brig Gen "
          "Maj Sgt Lt Cpl Pvt Col Capt Rev Ft Mt Fig Figs e.g i.e",
    "de": "z.B d.h u.a.m bzw ca Dr Prof Hr Fr Hrsg hrsg St vgl Vgl sog geb gest Nr Bd Abb bes insb i.d.R v.a "
          "u.U evtl ggf inkl Ing Dipl St.-Nr verh o.g u.a",
    "fr": "M MM Mme Mmes Mlle Dr Pr St Ste Mgr cf env av apr p.ex c.-à-d chap fig éd coll dir n° art.l art.r art.d "
          "art.L art.R art.D Me",
    "es": "Sr Sra Srta Dr Dra D Dña Prof Lic Ing Gral Av Avda núm pág págs p.ej vol cap fig St Sto Sta Mons Cía "
          "EE art",
    "it": "dott dott.ssa prof prof.ssa ing avv sig sig.ra S SS mons on sen gen cap col art fig pag pagg vol n "
          "p.es cfr ca St",
    "pt": "Sr Sra Dr Dra D Prof Profa Eng Av R S Sto Sta Pe Cel Gen Cap nº pág págs p.ex vol cap fig art ca "
          "Mons Exmo",
    "nl": "dhr mevr drs ir ing mr prof dr St bijv o.a m.n d.w.z ca nr blz vgl zgn fig H.M Mgr",
    "sv": "bl.a t.ex s.k d.v.s dvs ca nr prof dr fig jfr f.d kap St",
    "da": "bl.a f.eks dvs ca nr prof dr fig jf s kap hr fr Skt St",
    "no": "bl.a f.eks dvs ca nr prof dr fig jf s kap St",
    "fi": "esim ns mm ts prof tri dos nro klo vrt synt nyk ym",
    "hu": "pl ún ill kb dr Dr prof id ifj Szt St sz vö",
    "pl": "prof dr hab inż mgr ks św Św bp abp kard gen płk mjr kpt por ul Ul al pl os m.in np tzw tj tzn ok nr "
          "im woj pow gm red tłum wyd zob Zob Por rys tab śp bł Bł",
    "cs": "prof Prof doc Doc dr Dr ing Ing mgr Mgr Bc sv Sv tzv tj např Např popř resp cca ca č čp čj ul nám "
          "obr tab str MUDr JUDr PhDr RNDr gen plk arch tzn apod",
    "sk": "prof Prof doc Doc dr Dr ing Ing mgr Mgr sv Sv tzv tj napr Napr resp cca č ul nám obr tab str MUDr "
          "JUDr gen",
    "ro": "dr Dr prof Prof ing Ing dl d-na Sf sf str Str bd nr Nr pag p.ex ex jud com cca art fig gen col Mr",
    "tr": "Dr Prof Doç Yrd Av Sn Hz St Alb Gen Org Öğr Gör Op Uzm Bkz bkz örn Örn vd yy Cad Sok Mah Nu No M.Ö "
          "M.S MÖ MS",
    "id": "Dr Prof Ir Drs H Hj K.H KH Jl Jln Gg No Tn Ny St Kol Jend Kapt Letjen Mayjen Brigjen hlm a.n d.a",
    "ms": "Dr Prof Ir Hj Jln No St hlm Sdn Tn",
    "vi": "TP Tp tp tx TX Tx TT Tt Q P H GS TS PGS ThS Ths BS KS CN LS Ks Bs KTS HT TGM LM Lm NSND NSƯT NGND NGƯT "
          "ĐHQG ĐH Nxb NXB tr Tr vd Vd VD St Dr Mr Mrs Ms Th tk TK Gs Ts PGS.TS GS.TS GS.TSKH PGS.TSKH TSKH "
          "GS.VS GS.BS Đ/c đ/c Ô Ô.",
    "ru": "нач кон сер рожд "
          "т.е т.к т.н т.наз св им ул пр пр-т просп пер пл наб обл р-н с дер пос г.о рис табл стр гл проф акад "
          "доц ред изд см См ср Ср напр к.т.н д.т.н к.м.н д.м.н д.ф.н к.ф.н д-р г-н г-жа гр адм ген полк подп "
          "кап лейт бул о м ок прим пгт кв д оз зам сост арх инж худ реж муз сл",
    "uk": "поч кін сер пол нар "
          "т.зв т.е св стор рис табл ім вул пр просп пров пл наб обл р-н с смт хут сел м проф акад доц ред "
          "див Див пор Пор напр Напр д-р п-н гр ген полк кап бул о оз ок прим кв буд зам упор пер арх інж худ "
          "реж муз сл чл ст.-л тов гр-н гр-ка преп бл кн пов губ Рад співроб лейт",
    "be": "г.зн т.зв св мал табл ім вул пр пл наб вобл р-н с в г м праф акад дац рэд выд гл Гл напр Напр д-р "
          "ген бул возера воз каля кв д",
    "bg": "нач кр ср "
          "т.е т.нар напр Напр вж Вж стр с гр ул Ул бул Бул обл общ проф Проф акад доц Доц инж Инж арх чл ал "
          "хил ред изд д-р Д-р г-н Г-н г-жа Г-жа ген Ген полк майор кап св Св о-в кв ж.к бл ет ап вх о.р.п м-р "
          "гл ас Ас рис табл фиг ок р т.нареч пл прев съст о",
    "mk": "т.е т.н на пр ул бул проф акад доц д-р г-дин г-ѓа св с стр ред ген инж сл",
    "sr": "тј тзв нпр проф акад др мр инг ул бул св стр ред ген пуковник tj tzv npr prof akad dr mr ing ul bul "
          "sv str gen",
    "hr": "tj tzv npr prof akad dr mr ing ul sv str gen tzn sc dipl br",
    "el": "κ κα κκ κος δρ Δρ καθ π.χ Π.χ δηλ βλ Βλ Αγ Αγία σελ αρ αρ. εκδ επιμ μτφ πρβλ λ.χ στρ γεν Στρ οδ λεωφ",
    "ka": "მაგ იხ ე.ი ე.წ პროფ აკად ქ სოფ წმ გვ რედ დაახლ",
    "hy": "պրոֆ ակադ տես օր ք գ փ հ ծն մ",
    "ar": "د أ م.د أ.د ق ص ج ط",
    "fa": "دکتر ر.ک ص ج م.ش",
    "hi": "डॉ श्री प्रो डा पं स्व सं कु ई इं",
    "mr": "डॉ श्री प्रा पं कै स्व सौ कु",
    "ne": "डा डॉ श्री प्रा",
    "bn": "ড ডা ডাঃ ডঃ মো মোঃ প্রফেসর অধ্যা মি",
}
# Whole words, too, behind which sentencex would never end a sentence: `доктор наук.`
ALSO_WORDS = {
    "uk": "наук вид",
    "fr": "vol art",
}
# Before a number only: `tr. 5`, `рис. 2`, `1 січ. 2020`, `пом. 26 лютого`, `2-я пол. XIX в.`
BEFORE_NUMBER = words(
    "no nos nr nro nº n° n núm num p pp pag pág page s str стр стор с ст art арт рис мал табл tab "
    "таб фиг fig abb bild obr rys vol bd т томе гл ch chap kap cap sec § tr trang x кн вып вип ч "
    "бр br sz hlm ca cca ок approx около № номер д буд кв корп пункт п разд розд лист сл σελ αρ "
    "bkz bc вид пол ум "
    "січ лют берез квіт трав черв лип серп верес жовт листоп груд пом засн "
    "янв февр апр авг сент окт нояб дек ноем септ род")

# Years, centuries, eras, units: a sentence may end behind them, or go on with a name.
DATES = {
    "ru": "г гг в вв н.э до.н.э р.х руб коп тыс млн млрд чел км м см мм кг кв.км ч мин сек л долл",
    "uk": "р рр ст стст н.е н.д грн дол коп тис млн млрд чол км см мм кг кв.км год хв сек крб осіб",
    "be": "г гг ст стст н.э руб тыс млн млрд чал км",
    "bg": "н.в г гг в вв пр.н.е н.е пр.хр сл.хр р.хр лв млн млрд хил км м см мм кг кв.км дка ч мин сек ст",
    "mk": "г год в в.п.н.е п.н.е н.е км",
    "sr": "г год в п.н.е н.е km км",
    "pl": "r w ww n.e p.n.e zł gr tys mln mld godz min",
    "de": "n.Chr v.Chr Jh Jhs Jhd Mio Mrd Std Min",
    "vi": "TCN SCN CN",
    "fr": "J.-C",
    "es": "a.C d.C a.e.c",
    "it": "a.C d.C",
    "pt": "a.C d.C",
    "nl": "v.Chr n.Chr",
    "cs": "n.l př.n.l hod tis mil",
    "el": "π.Χ μ.Χ χλμ",
    "ar": "م هـ ق.م",
    "fa": "ق.م م ش",
    "ka": "ძვ.წ ახ.წ წ წწ ს სს",
}
# "And so on": a name hardly ever follows, a sentence often does.
AND_SO_ON = {
    "en": "etc et.al",
    "de": "usw u.a u.Ä etc u.s.w",
    "fr": "etc",
    "es": "etc",
    "it": "ecc",
    "pt": "etc",
    "nl": "enz e.d etc",
    "sv": "etc m.m o.s.v osv",
    "da": "osv m.m m.v",
    "no": "osv m.m",
    "fi": "jne ym yms",
    "hu": "stb",
    "pl": "itd itp i.in in",
    "cs": "atd apod aj",
    "sk": "atď apod",
    "ro": "etc ş.a ș.a",
    "tr": "vb vs",
    "id": "dsb dll dst",
    "vi": "v.v vv",
    "ru": "т.д т.п др пр",
    "uk": "т.д т.п ін тощо",
    "be": "т.д т.п інш да.т.п",
    "bg": "т.н др и.т.н под пр",
    "mk": "итн др",
    "sr": "итд сл др.сл itd sl",
    "hr": "itd sl dr",
    "el": "κ.λπ κλπ κ.ά κ.α",
    "ka": "ა.შ სხვ",
}

# Words with which sentences begin and names do not.
BEGINNERS = {
    "ru": "он она оно они это этот эта эти его её ее их тогда потом затем после позже позднее однако также там "
          "тут здесь так как когда если но а и же с со у к на по из за до от во в о об для при под над без "
          "через между среди поэтому тем сейчас ныне сегодня теперь впервые кроме помимо согласно ещё уже все "
          "всё многие некоторые большинство один одна другие первый первая летом осенью весной зимой следующий "
          "известен родился умер всего население площадь",
    "uk": "він вона воно вони це цей ця ці його її їх їхній тоді потім згодом після пізніше однак проте також "
          "там тут так як коли якщо але а та і й з із зі у в до на по за від о об для при під над без через між "
          "серед тому нині зараз сьогодні тепер вперше уперше крім окрім згідно ще вже усі всі багато деякі "
          "більшість один одна інші перший перша влітку восени навесні взимку наступного упродовж протягом "
          "відомий народився народилася помер померла був була було були має населення площа",
    "be": "ён яна яно яны гэта гэты яго яе іх тады потым пасля пазней аднак таксама там тут так як калі але а і "
          "з у ў да на па за ад для пры пад без праз між сярод таму цяпер сёння упершыню акрамя",
    "bg": "той тя то те това този тази тези неговият нейният тогава после след по-късно обаче също там тук така "
          "как когато ако но а и с със в във до на по за от о при под над без чрез между сред затова сега днес "
          "днешното през освен според още всички много някои повечето един една други първият първата родом "
          "роден родена умира населението площта има",
    "mk": "тој таа тоа тие ова овој оваа тогаш потоа подоцна меѓутоа исто таму тука така како кога ако но а и "
          "со во до на по за од при под без меѓу затоа сега денес",
    "sr": "он она оно они то ово овај ова тада потом затим касније међутим такође тамо овде тако како када ако "
          "али а и са у до на по за од при под без између због данас",
    "pl": "on ona ono oni one to ten ta te jego jej ich wtedy potem po później jednak także tam tu tak jak gdy "
          "jeśli ale a i z ze w we do na od dla przy pod nad bez przez między dlatego obecnie dziś teraz kiedy "
          "wśród oprócz według był była",
    "de": "er sie es dies dieser diese dann danach später jedoch auch dort hier so wie wenn aber und mit in im "
          "am an auf aus bei bis für nach seit unter von vor während zu zum zur der die das ein eine heute "
          "seine ihre",
    "vi": "ông bà anh chị nó họ đây đó sau trước khi nhưng và vào từ tại năm trong theo với các những một đến "
          "hiện ngày",
}
# "In", "after": a clause that begins so and is short goes on behind its date (У 1991 р. Україна стала ...).
WHEN = {
    "ru": "в во с со к на по из до от после около примерно ок начиная летом осенью весной зимой конец начало "
          "начала середина",
    "uk": "в у з із зі до на по від після близько приблизно бл ок починаючи влітку восени навесні взимку "
          "наприкінці протягом упродовж станом",
    "be": "у ў з са да на па ад пасля каля улетку увосень вясной",
    "bg": "в във с със до на по от през след около към между преди лятото",
    "mk": "во од до на по околу кон",
    "sr": "у од до на по после око",
    "pl": "w we z ze do na od po około ok latem jesienią wiosną zimą",
    "de": "im in um ab bis seit vor nach",
    "vi": "năm vào từ đến khoảng",
    "fr": "en vers dans depuis au",
    "es": "en hacia desde hasta",
    "it": "nel verso dal",
    "pt": "em no por desde",
    "nl": "in rond sinds",
    "cs": "v ve od do kolem roku po",
    "el": "το τον από έως μέχρι",
    "ar": "في عام سنة",
    "fa": "در سال",
}
# Languages that write ordinals with a full stop: `im 19. Jahrhundert`, `2. Dünya Savaşı`.
WITH_ORDINALS = words("de bar als nds lb frr cs sk sl hr sr sh bs hu fi et lv is fo da no nb nn tr az tk pl dsb hsb "
                      "szl eu")

NEVER_LAST, ALSO_WORDS, DATES, AND_SO_ON, BEGINNERS, WHEN = (
    {language: words(text) for language, text in table.items()}
    for table in (NEVER_LAST, ALSO_WORDS, DATES, AND_SO_ON, BEGINNERS, WHEN))
