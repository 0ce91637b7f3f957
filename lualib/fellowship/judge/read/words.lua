-- The words that verdicts are made of, in the languages that models answer in. A statement counts when all of its words
-- are known: what has others is a sentence about something, or a criterion. Words are small and folded.

local fold = require "fellowship.judge.read.fold"

local words = {}

-- One letter for each kind of word; a word may be of several.
local KINDS = {
  -- what is judged: "Assistant A"
  N = [[assistant assistants response responses answer answers model models candidate candidates output outputs
    system bot chatbot ai agent reply replies completion completions option options participant text texts essay
    solution version side player contestant llm speaker submission generation entry assistent assistenten
    antwort antworten modell ausgabe kandidat variante assistante reponse reponses modele sortie candidat
    asistente respuesta respuestas modelo salida candidato assistente risposta risposte modello uscita resposta
    respostas saida antwoord antwoorden kandidaat asystent asystenta asystentowi odpowiedz odpowiedzi kandydat
    kandydata asistent odpoved assistentti vastaus asszisztens valasz svar assistentens raspuns asistentul
    asistan yanit cevap asisten respons jawaban loi ассистент ассистента ассистенту
    помощник помощника ответ ответа ответу модель модели
    кандидат асистент відповідь вариант βοηθος απαντηση 助手
    助理 回答 回复 回應 回覆 响应 答复 模型 答案 选手 候选 候選 助教 智能体 系统
    アシスタント 応答 回答 モデル 返答 解答 候補 어시스턴트 응답 답변 모델 비서
    조수 후보 도우미 المساعد مساعد الاجابة الإجابة اجابة إجابة
    الرد الاستجابة النموذج نموذج सहायक उत्तर
    प्रतिक्रिया मॉडल जवाब ผู้ช่วย คำตอบ
    โมเดล]],
  -- how much it is given: "Score"
  S = [[score scores scored scoring rating ratings rated grade grades graded mark marks point points rate result results
    punktzahl bewertung wertung note noten punkte punkt ergebnis endergebnis notation points
    puntuacion puntuaciones puntaje calificacion nota notas valoracion puntos resultado punteggio punteggi voto
    voti valutazione punti risultato pontuacao pontuacoes classificacao avaliacao pontos beoordeling cijfer
    punten resultaat ocena oceny wynik punktacja punkty punktow skore hodnoceni body bodu pisteet pistemaara
    arvosana pontszam ertekeles poang betyg karakter poeng scor punctaj puan skor nilai diem оценка
    оценку оценки балл баллы баллов рейтинг счет оцінка бал
    βαθμολογια βαθμος 评分 得分 分数 打分 評分 分數 评级 成绩 スコア 得点
    評価 点数 採点 評点 점수 평점 평가 득점 الدرجة درجة النتيجة نتيجة
    التقييم تقييم अंक स्कोर रेटिंग คะแนน]],
  -- and in all: "Overall Score"
  O = [[sum average avg overall total totals final finally aggregate altogether insgesamt gesamt gesamtpunktzahl gesamtbewertung
    gesamtnote gesamtwertung endnote endgultig endgultige globale globaux finale totale generale definitif
    global general final total definitiva definitivo complessivo complessiva generale totale finale geral
    globais totaal algeheel algemeen totaalscore eindscore eindcijfer eindoordeel totaalcijfer ogolna ogolny
    calkowita koncowa koncowy laczna lacznie celkove celkem kokonaispistemaara yhteensa osszesen osszpontszam
    totalt sammanlagt samlet toplam genel nihai keseluruhan tong общая общий общее
    итоговая итоговый итог итого финальная окончательная
    окончательный всего загальна συνολικη συνολικα τελικη 总
    总分 总体 总评 最终 综合 整体 總分 總體 最終 綜合 整體 总得分 总评分 合计
    総合 全体 合計 総合評価 総合スコア 総合点 最終 전체 총 총점 최종 종합 총평
    الاجمالي الإجمالي الكلي الكلية النهائي النهائية الاجمالية
    الإجمالية कुल अंतिम समग्र รวม]],
  -- with an overall word no criterion: "Overall quality"
  Q = [[evaluations assessments verdicts judgements comments quality impression assessment performance evaluation
    judgment judgement judgments verdict ranking comparison summary summaries conclusion conclusions scores
    section part analysis evidence reasoning explanation rationale thoughts overview discussion feedback review
    consensus statement qualitat eindruck einschatzung urteil fazit begrundung zusammenfassung vergleich qualite
    impression appreciation jugement conclusion justification comparaison calidad evaluacion juicio veredicto
    conclusion comparacion justificacion qualita giudizio conclusione confronto motivazione qualidade julgamento
    conclusao comparacao justificativa kwaliteit oordeel conclusie vergelijking motivering jakosc werdykt
    podsumowanie wniosek porownanie uzasadnienie качество вердикт вывод заключение
    сравнение обоснование 评价 质量 结论 评估 总结 评判 判断 分析 依据
    理由 結論 結果 结果 裁决 評価 結論 判定 品質 根拠 分析 講評 평가 결론 판정
    품질 근거 분석 결과]],
  -- what says nothing
  F = [[individual respective worth deserves deserve earns earn merits there am recoit obtient obtiene saca consigue ottiene obtem bekommt erzielt behaalt respectivamente respectivement
    respectively jeweils rispettivamente соответственно 分别 分別 それぞれ 각각 认为 觉得 à
    they them their the an this that these those it its is was are be been being for of to by as at in on with
    from so then thus therefore hence here s t d ll ve re m and give gives given giving gave get gets got receive
    receives received deserve deserves deserved earn earns earned award awards awarded assign assigns assigned
    say consider believe think feel set please just about approximately roughly around solid full me us we each
    only also now be out both would ve i my mine our respective respectively own following follows below above
    based provided judge judges referee ais vs versus scale arguments parameters args data json object
    properties fields id value even number numeric out ok okay well very der die das den dem des ein eine einer
    ist sind fur von mit ich gebe wurde erhalt bekommt verdient vergebe daher somit und meine mein hier beide
    lautet lauten à é è le la les un une des du de est sont pour l d a par je donne recoit merite donc et ma
    mon mes voici ce cette el los las una uno es son para por yo doy recibe merece mi mis y del al se le este
    esta il lo gli i uno e sono per di del della dello dei do riceve merita mia mio questo questa o os as um uma
    para por do da dos das dou recebe merece minha meu este esta ao het een is zijn voor van ik geef krijgt
    verdient mijn dus en deze dit jest dla to ja daje otrzymuje moja moj i för ar till ger jag min den det och
    er til gir jeg для за это дать даю ставлю получает моя мой и в итак
    的 为 是 给 我 我给 给出 给予 该 这个 對 对 與 和 了 如下 因此 所以 综上所述 综上 总之 满分 滿分 获得 得 它
    其 們 们 本 個 个 於 于 為 の は に を が と 方 方が 私 私の です も へ 対する
    に対する である とする 以下 与える した による 의 은 는 이 가 를 을 에 에게
    에서 대한 과 와 및 제 나의 저의 입니다 이다 드립니다 부여 으로 로 대해 이므로
    هو هي في من على لـ ل و هذا هذه का की के को है मेरा bir bu
    icin ve dengan untuk adalah dari yang va cho la cua duoc cau tra daha lebih hon towards toward]],
  -- says nothing of which is better, but something of a number
  f = [[provides provide offers delivers between among perform performs performed find found call deem makes does did
    goes opinion view beaten outperformed surpassed bested defeated outclassed less least weniger moins menos meno minder
    mniej менее 比]],
  -- what says nothing within a phrase ("a close call"), and by itself is as good as not known
  k = [[quite remotely comparing compared every way ways respect respects regard regards count counts aspect aspects all most
    too hair margin whisker mile nose landslide inch hands close tight tough tricky difficult hard race contest match
    par have has nowhere near]],
  -- what may follow a number
  U = [[point points pts pt score mark marks stars star punkte punkten punkt puntos punto punti pontos ponto punten
    punktow punkty points stelle sterren estrellas etoiles балл баллов балла очков points
    poang poeng bodu 分 点 점 分数 점수 点数 点満点 分满分 अंक คะแนน 점만점 만점 満点]],
  -- an answer's heading: "Final verdict"
  W = [[rank ranks rankings label pairwise answer verdict winner decision choice preference preferred judgment judgement conclusion selection selected chosen
    result pick ranking vote outcome grade option answers antwort urteil gewinner sieger entscheidung wahl fazit
    ergebnis auswahl reponse verdict gagnant gagnante vainqueur decision choix resultat conclusion respuesta
    veredicto ganador ganadora decision eleccion resultado conclusion risposta verdetto vincitore vincitrice
    decisione scelta risultato resposta veredito vencedor vencedora decisao escolha antwoord oordeel winnaar
    beslissing keuze conclusie odpowiedz werdykt zwyciezca decyzja wybor ответ вердикт
    победитель решение выбор вывод odpoved vitez vastaus voittaja valasz gyoztes svar
    vinnare vinder raspuns castigator 答案 回答 结论 判定 判决 胜者 赢家 获胜者 优胜者
    选择 决定 結論 勝者 選擇 决策 判断 最佳 胜方 答え 回答 解答 結論 判定 勝者
    選択 決定 답변 답 정답 결론 판정 승자 선택 결정 الاجابة الإجابة
    الجواب الحكم الفائز القرار الاختيار उत्तर विजेता
    निर्णय]],
  -- "is better"
  B = [[better best superior stronger preferable favored favoured preferred winning winner ahead strongest besser
    bessere besserer besseres beste bester bestes uberlegen starker starkste meilleur meilleure superieur
    superieure mieux mejor superior preferible migliore meglio superiore melhor superior preferivel beter beste
    betere sterker lepszy lepsza lepsze najlepsza najlepszy лучше лучший лучшая лучшее
    сильнее lepsi parempi jobb battre bedre bedst bast mai 更好 较好 更优 最好 更佳 优胜
    较优 胜出 更強 更强 優れています 優れている 優れてる より良い 良い
    より優れている 優位 最良 ベスト 더 낫다 낫다 좋다 우수하다 우수 우세
    더낫습니다 낫습니다 좋습니다 افضل أفضل الافضل الأفضل बेहतर]],
  -- "is worse"
  L = [[worse worst loser losing rejected behind 差 inferior weaker poorer weakest schlechter schwacher unterlegen pire moindre inferieur inferieure
    plus_mauvais peor inferior peggiore inferiore pior slechter zwakker gorszy gorsza хуже слабее
    更差 较差 劣る 劣っている 나쁘다 못하다]],
  -- neither is
  T = [[tie tied ties draw drawn equal equals equally equivalent same identical comparable deadlock
    indistinguishable stalemate toss-up tossup unentschieden gleich gleichstand gleichwertig gleichauf
    gleichermassen ebenburtig egalite egal egaux egales egale equivalentes equivalents nul ex_aequo exaequo
    empate empatados iguales igual equivalentes pareggio pari parita equivalenti uguali empatados iguais gelijk
    gelijkspel gelijkwaardig remis rowne rowna rownowazne ничья равны одинаковы
    одинаково равноценны равенство remiza oavgjort uavgjort uafgjort lika tasapeli
    dontetlen egalitate berabere seri hoa 平局 平手 相同 一样好 一样 同等 持平 不分上下 打平 相当
    旗鼓相当 不相上下 不分伯仲 难分伯仲 难分高下 难分胜负 势均力敌 平分 一樣 和局 引き分け 同点 同じ 同等 互角 引分け 무승부 동점 동일
    동등 비김 같다 تعادل متساويان متساوية بالتساوي बराबर]],
  -- what may stand with those
  A = [[good well fair excellent great poor average adequate solid decent mediocre outstanding bad weak fine superb
    perfect strong high low medium moderate arguably definitely certainly undoubtedly noticeably considerably
    substantially decidedly slight slim small tiny minor marginal narrow easily handily simply knapp clearly slightly much somewhat marginally significantly far bit little narrowly both overall
    gut klar deutlich etwas bien clairement nettement claramente ligeramente chiaramente leggermente claramente
    duidelijk iets bad clear sono tres molto mucho muito 都 稍微 明显 略 同样 好 더
    똑같이 모두 좋음]],
  -- those of them that say how good something is
  j = [[good well fair excellent great poor average adequate solid decent mediocre outstanding bad weak fine superb
    perfect strong high low medium moderate gut bien bad sono tres 好 iyi baik tot kotu buruk]],
  -- of two things
  E = [[both beide deux ambos ambas entrambi entrambe ambas oba obie оба обе 两者 两个 双方 都 両方
    どちらも 둘 둘다 كلاهما दोनों]],
  J = [[neither none weder keine aucun aucune ninguno ninguna nessuno nessuna nenhum nenhuma geen zaden ни]],
  C = [[and und et y e en i и 和 与 と 와 과 및 ve og och]],
  R = [[or oder ou lub или 或 または 또는 veya eller either maybe perhaps]],
  K = [[but rather although though whereas while however yet still nevertheless nonetheless sondern obwohl wahrend bien_que aunque sebbene embora
    hoewel chociaz хотя 虽然 尽管 aber mais sino pero ma mas maar ale но 而是 但 但是]],
  X = [[not no isn doesn don wasn aren cannot can't cant didn nor nicht kein keine ne pas non no nao niet nie не
    нет 不 没有 ない 아니]],
  H = [[would could might may should must if unless without had were wouldn couldn shouldn assuming suppose supposing
    hypothetical hypothetically otherwise almost nearly instead previously initially originally supposedly
    initial preliminary tentative provisional draft prior previous original earlier maximum
    minimum old max min possible potential ware hatte konnte wenn falls serait aurait si pourrait seria habria
    podria sarebbe avrebbe potrebbe se teria poderia zou gdyby bylby бы если 如果 若 假如 もし
    만약]],
  P = [[i my mine me we our ich mein meine je ma mon mes yo mi mis io mia mio eu minha meu ik mijn ja moj moja я
    мой моя 我 我的 私 私の 제 나의]],
  V = [[优于 胜过 强于 好于 exceeds exceed schlagt ubertrifft supera surpasse wins win won beats beat prevails outperforms surpasses bests edges gewinnt siegt gagne remporte gana vince
    vence wint wygrywa побеждает выигрывает 获胜 胜 勝ち 勝利 の勝ち 이깁니다
    이김 승리 勝つ]],
  Z = [[不如 差于 弱于 逊于 trails trailing underperforms loses lose lost verliert perd pierde perde verliest przegrywa проигрывает 输 負け 敗北
    패배]],
  M = [[prefer prefers choose chose pick favor favour select go going lean leans leaning edge advantage nod wahle bevorzuge choisis prefere prefiero elijo
    preferisco scelgo prefiro escolho kies wybieram выбираю предпочитаю 选 选择 選ぶ
    選択]],
  D = [[than over against als que à di do dan niz od чем より 보다]],
  -- what takes back what was said before
  G = [[wait actually correction corrected correcting reconsider reconsidered reconsidering reconsideration
    reflection revise revised revising revision hmm oops scratch sorry retract retracted updated amended
    update edit edited addendum amendment ignore disregard scrap changed change new make thought korrektur korrigiert uberarbeitet eigentlich halt moment corrige revise corregido correccion
    revisado realidad corretto correzione rivisto realta corrigido gecorrigeerd herzien исправлено
    исправление 更正 修正 订正 等等 不对 訂正 수정 정정]],
  Y = [[because since due given considering thanks weil da denn wegen car parce puisque porque ya perche poiche pois
    omdat want poniewaz bo потому поскольку 因为 由于 因為 なぜなら ため 왜냐하면
    때문]],
  -- who reports what somebody else wrote
  I = [[says said say states stated claims claimed contains contained includes included ends ended begins began
    reads writes wrote written asks asked demands demanded instructs instructed instruction instructions tries
    tried attempts attempted quotes quoted quote quoting adds added inserts inserted planted embedded embeds
    injection injects tells told suggests suggested declares declared itself text string line lines content
    concludes concluded closes closed opens opened shows showed sagt schreibt behauptet enthalt endet steht dit
    ecrit affirme contient termine dice escribe afirma contiene termina scrive diz escreve contem zegt schrijft
    bevat eindigt mowi pisze zawiera говорит пишет содержит заканчивается 说
    写 声称 包含 写道 結尾 결말 書いて 含む 말한다 포함]],
  ["1"] = [[first 1st one erste erster erstes ersten premier premiere primero primera primo prima primeiro primeira
    eerste pierwsza pierwszy первый первая prvni forsta forste 第一 第一个 一 甲 最初
    첫번째 첫째 الاول الأول الاولى الأولى पहला पहली]],
  ["2"] = [[second 2nd two zweite zweiter zweites zweiten deuxieme seconde segundo segunda secondo seconda tweede druga
    drugi второй вторая druhy andra anden 第二 第二个 二 乙 두번째 둘째 الثاني
    الثانية दूसरा दूसरी]],
}

-- Numbers in words.
local NUMBERS = {
  [[zero one two three four five six seven eight nine ten]],
  [[nullpunkte eins zwei drei vier funf sechs sieben acht neun zehn]],
  [[zero un deux trois quatre cinq six sept huit neuf dix]],
  [[cero uno dos tres cuatro cinco seis siete ocho nueve diez]],
  [[zero uno due tre quattro cinque sei sette otto nove dieci]],
  [[零 一 二 三 四 五 六 七 八 九 十]],
}

local kinds, numbers, longest, loaded = {}, {}, 0, false

local function load_words()
  loaded = true
  for kind, list in pairs(KINDS) do
    for word in fold.text(list):gmatch "%S+" do
      word = fold.word(word)
      local known = kinds[word]
      if not known then
        kinds[word] = kind
      elseif not known:find(kind, 1, true) then
        kinds[word] = known .. kind
      end
      longest = math.max(longest, #word)
    end
  end
  for _, list in ipairs(NUMBERS) do
    local n = 0
    for word in fold.text(list):gmatch "%S+" do
      numbers[word], n = numbers[word] or n, n + 1
    end
  end
end

-- Words that take a verdict back behind it: "A is better - wrong".
words.DENIALS = { wrong = true, ["false"] = true, incorrect = true, untrue = true, kidding = true }

-- Words for what somebody else says.
words.SAYS = { says = true, say = true, said = true, states = true, stated = true, claims = true, claimed = true,
  asserts = true, declares = true, insists = true, quote = true, quotes = true, quoted = true, according = true }

--- What kinds a word is of, a letter each, in no order; nil when it is not known.
---@param word string as fold.word gives it
---@return string?
function words.kinds(word)
  if not loaded then load_words() end
  return kinds[word]
end

--- The number that a word says; nil when it says none.
---@param word string
---@return integer?
function words.number(word)
  if not loaded then load_words() end
  return numbers[word]
end

--- The pieces of a word of a script that is written without spaces: the longest known ones, from the left, and single
--- characters where none is known.
---@param word string
---@return string[]
function words.pieces(word)
  if not loaded then load_words() end
  if kinds[word] or not word:find "^[\xe0-\xf4]" then return { word } end
  local list, at = {}, 1
  while at <= #word do
    local stop
    for last = math.min(#word, at + longest - 1), at, -1 do
      local next = word:byte(last + 1)
      if (not next or next < 0x80 or next > 0xbf) and (kinds[word:sub(at, last)] or numbers[word:sub(at, last)]) then
        stop = last
        break
      end
    end
    stop = stop or (utf8.offset(word, 2, at) or #word + 1) - 1
    list[#list + 1] = word:sub(at, stop)
    at = stop + 1
  end
  return list
end

return words
