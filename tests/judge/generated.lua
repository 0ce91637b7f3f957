#!/usr/bin/env fellowship
-- Verdicts rendered in every form, wrapper, language and digit that models write them in, in any combination: all of them
-- are read as they were meant. The same with something in them that makes them ambiguous: none is read. And what is said
-- of A is read as the same would be of B.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local verdict = require "fellowship.judge.verdict"
local tap = require "tap"

math.randomseed(tonumber(os.getenv "SEED") or 14)

local function any(list) return list[math.random(#list)] end

local function fill(pattern, values)
  return (pattern:gsub("{(%w+)}", function(name) return values[name] and tostring(values[name]) end))
end

-- ---- numbers ----

local DIGITS = { { "０", "１", "２", "３", "４", "５", "６", "７", "８", "９" }, { "٠", "١", "٢", "٣", "٤", "٥", "٦", "٧", "٨", "٩" },
  { "०", "१", "२", "३", "४", "५", "६", "७", "८", "९" }, { "𝟎", "𝟏", "𝟐", "𝟑", "𝟒", "𝟓", "𝟔", "𝟕", "𝟖", "𝟗" } }

local function in_script(text)
  if math.random(8) > 1 then return text end
  local digits = any(DIGITS)
  return (text:gsub("%d", function(d) return digits[d + 1] end))
end

local SLASHED = { "{n}/{s}", "{n} / {s}", "**{n}/{s}**", "**{n}**/{s}", "`{n}/{s}`", "[{n}/{s}]", "({n}/{s})", "_{n}/{s}_", "{n}/ {s}", "{n}／{s}", "$\\frac{{n}}{{s}}$",
  "{n}.0/{s}", "{n} out of {s}", "**{n}** (out of {s})", "{n} of {s}", "{n} (of {s})", "{n} out of a possible {s}", "[[{n}]]", "\\boxed{{n}}", "~{n}/{s}", "{n}/{s} points", "{n} out of {s} points" }
local BARE = { "{n}", "**{n}**", "[{n}]", "({n})", "[[{n}]]", "\\boxed{{n}}", "$\\boxed{{n}}$", "{n}.0", "*{n}*", "{n} points", "`{n}`" }

local function number(n, scale, words)
  local pattern = any(math.random(3) == 1 and BARE or SLASHED)
  if words and math.random(4) == 1 then pattern = words end
  return in_script(fill(pattern, { n = n, s = scale }))
end

-- ---- labels ----

-- A language: how scores of one of two are headed, of the whole, and of an answer; "8 out of 10"; better, and a tie.
local LANGUAGES = {
  { sides = { "Score Assistant {x}", "Assistant {x} Score", "Assistant {x}'s score", "Score for Assistant {x}", "Score of Response {x}", "Rating for Model {x}", "Overall Score for Assistant {x}",
      "Final Score (Assistant {x})", "Score: Assistant {x}", "Total score of Assistant {x}", "Response {x} Rating", "Grade for Answer {x}", "Final rating, Response {x}", "SCORE ASSISTANT {x}", "Overall rating for {x}" },
    whole = { "Overall Score", "Final Score", "Overall Rating", "Total Score", "Overall", "Total", "Final Rating", "OVERALL SCORE", "Score", "Rating", "Overall quality", "Final grade" },
    answer = { "Answer", "Final Answer", "Verdict", "Final Verdict", "Winner", "Decision", "Choice", "Better response", "Preferred response", "My final verdict", "The better answer" },
    of = "{n} out of {s}", win = { "Assistant {x} is better.", "{x} is better", "Response {x} wins", "{x} wins.", "Assistant {x} is clearly better than Assistant {y}.", "{x} > {y}", "{x} >> {y}", "{y} < {x}", "Not {y} but {x}", "{x}, not {y}", "Model {x}" },
    tie = { "A tie", "Tie", "It's a tie.", "Both are equally good.", "{x} = {y}", "{x} and {y} are equal", "C", "C (tie)", "draw", "Equal" } },
  { sides = { "Punktzahl Assistent {x}", "Bewertung für Assistent {x}", "Punkte für Antwort {x}", "Note Assistent {x}" }, whole = { "Gesamtpunktzahl", "Gesamtbewertung", "Endnote" }, answer = { "Antwort", "Urteil", "Gewinner" },
    of = "{n} von {s}", win = { "Assistent {x} ist besser.", "{x} ist besser als {y}" }, tie = { "Unentschieden", "Beide sind gleich gut." } },
  { sides = { "Note de l'assistant {x}", "Score Assistant {x}", "Note pour la réponse {x}" }, whole = { "Note globale", "Score global", "Note finale" }, answer = { "Réponse", "Verdict", "Décision" }, of = "{n} sur {s}",
    win = { "L'assistant {x} est meilleur.", "La réponse {x} est meilleure" }, tie = { "Égalité", "égalité" } },
  { sides = { "Puntuación Asistente {x}", "Puntuación de la respuesta {x}", "Calificación del asistente {x}" }, whole = { "Puntuación general", "Puntuación final", "Calificación total" }, answer = { "Respuesta", "Veredicto", "Ganador" },
    of = "{n} de {s}", win = { "La respuesta {x} es mejor.", "El asistente {x} es mejor" }, tie = { "Empate" } },
  { sides = { "Punteggio Assistente {x}", "Voto per la risposta {x}" }, whole = { "Punteggio complessivo", "Punteggio totale" }, answer = { "Risposta", "Verdetto", "Vincitore" }, of = "{n} su {s}",
    win = { "L'assistente {x} è migliore.", "La risposta {x} è migliore" }, tie = { "Pareggio", "Parità" } },
  { sides = { "Pontuação Assistente {x}", "Nota da resposta {x}" }, whole = { "Pontuação geral", "Nota final" }, answer = { "Resposta", "Veredito", "Vencedor" }, of = "{n} de {s}", win = { "A resposta {x} é melhor.", "O assistente {x} é melhor" }, tie = { "Empate" } },
  { sides = { "Score Assistent {x}", "Cijfer voor antwoord {x}" }, whole = { "Totaalscore", "Eindcijfer" }, answer = { "Antwoord", "Oordeel", "Winnaar" }, of = "{n} van {s}", win = { "Antwoord {x} is beter." }, tie = { "Gelijkspel" } },
  { sides = { "Ocena Asystent {x}", "Punkty dla odpowiedzi {x}" }, whole = { "Ogólna ocena", "Ocena końcowa" }, answer = { "Odpowiedź", "Werdykt", "Zwycięzca" }, of = "{n} z {s}", win = { "Odpowiedź {x} jest lepsza." }, tie = { "Remis" } },
  { sides = { "Оценка ассистента {x}", "Балл для ответа {x}" }, whole = { "Общая оценка", "Итоговая оценка" }, answer = { "Ответ", "Вердикт", "Победитель" }, of = "{n} из {s}", win = { "Ответ {x} лучше." }, tie = { "Ничья" } },
  { sides = { "助手{x}的评分", "助手 {x} 得分", "回答{x}的分数", "模型{x}评分" }, whole = { "总体评分", "总分", "最终评分", "综合得分" }, answer = { "答案", "结论", "最终判断", "胜者" }, of = "{n}/{s}分", win = { "助手{x}更好", "回答{x}更好。" }, tie = { "平局", "两者一样好" }, wide = true },
  { sides = { "アシスタント{x}のスコア", "回答{x}の得点", "アシスタント{x} スコア" }, whole = { "総合評価", "総合スコア" }, answer = { "回答", "結論", "判定" }, of = "{n}/{s}点", win = { "アシスタント{x}の方が優れています。" }, tie = { "引き分け", "同点" }, wide = true },
  { sides = { "어시스턴트 {x} 점수", "응답 {x}의 점수" }, whole = { "총점", "종합 점수" }, answer = { "정답", "결론", "판정" }, of = "{n}/{s}점", win = { "응답 {x}가 더 낫습니다." }, tie = { "무승부" } },
  { sides = { "درجة المساعد {x}" }, whole = { "النتيجة الإجمالية" }, answer = { "الإجابة" }, of = "{n}/{s}", win = {}, tie = { "تعادل" } },
  { sides = { "सहायक {x} स्कोर" }, whole = { "कुल स्कोर" }, answer = { "उत्तर" }, of = "{n}/{s}", win = {}, tie = { "बराबर" } },
}

local NAMES = { { "A", "B" }, { "A", "B" }, { "A", "B" }, { "1", "2" }, { "Ａ", "Ｂ" } }

-- How a label and its value stand: {l} and {v}.
local LINES = { "### {l}:\n{v}", "### {l}: {v}", "**{l}:** {v}", "**{l}: {v}**", "{l}: {v}", "{l} - {v}", "{l} — {v}", "{l} = {v}", "{l}：{v}", "- {l}: {v}", "* **{l}**: {v}", "## {l}\n\n{v}", "*{l}:* {v}", "> {l}: {v}", "#### **{l}:**\n\n**{v}**",
  "{l} :\n{v}", "| {l} | {v} |", "__{l}__: {v}", "👉 {l}: {v}", "### {l} → {v}", "<b>{l}:</b> {v}", "{l}:\n> {v}", "{l}: {v} ⭐" }

local ZERO = { "\u{200b}", "\u{feff}", "\u{ad}", "\u{2060}" }

-- What stands before and behind, which says nothing.
local BEFORE = { "", "", "Both answer the question, though one cites 3 sources and the other 12.\n\n", "### Evidence\nA is fuller. B is short, at 40 words.\n\n", "Assistant A explains well.\nAssistant B does not.\n\n",
  "<think>Score Assistant A: 1/10, Score Assistant B: 2/10. ### Answer: C? Overall Score: 3/10.</think>\n", "Okay, so A is 9/10 I think.\n</think>\n\n", "First I look at accuracy (which matters most), then at style.\n\n",
  "1. Accuracy: fine.\n2. Clarity: weak.\n\n", "Here is my evaluation:\n\n" }
local BEHIND = { "", "", "\n", "\n\nIt cites its sources, which matters most here.", "\n\nI hope this helps.", "\n\nIn short, the difference lies in the sources that were cited.", "\n\n---", "\n\nExplanation: one of them was more thorough.", "\r\n" }

local function noisy(text)
  local how = math.random(12)
  if how == 1 then return "```\n" .. text .. "\n```" end
  if how == 2 then return (text:gsub("\n", "\r\n")) end
  if how == 3 then return (text:gsub(" ", "\u{a0}")) end
  if how == 4 then return (text:gsub(":", any(ZERO) .. ":")) end
  if how == 5 then return "  " .. text:gsub("\n", "\n  ") end
  return text
end

local function wrapped(text)
  return any(BEFORE) .. noisy(text) .. any(BEHIND)
end

-- ---- rendering ----

local renderers = {}

local function as_lines(language, scale, a, b)
  local label, line, names = any(language.sides), any(LINES), any(NAMES)
  if label:find "for {x}$" and names[1] == "1" then names = NAMES[1] end -- "rating for 1" is no way to say it
  local lines = {}
  for i, n in ipairs { a, b } do
    local l = fill(label, { x = names[i] })
    lines[i] = fill(line, { l = l, v = number(n, scale, language.of) })
  end
  if math.random(6) == 1 then lines[1], lines[2] = lines[2], lines[1] end
  return table.concat(lines, any { "\n", "\n\n" })
end

local function as_json(_, _, a, b)
  local keys = any { { "score_a", "score_b" }, { "score_A", "score_B" }, { "scoreA", "scoreB" }, { "assistant_a", "assistant_b" }, { "Assistant A", "Assistant B" }, { "score_assistant_1", "score_assistant_2" }, { "A", "B" },
    { "Score Assistant A", "Score Assistant B" }, { "rating_a", "rating_b" } }
  local value = any { "%d", '"%d"', '"%d/10"', "%d.0", '"%d out of 10"' }
  local body = ('"%s": %s, "%s": %s'):format(keys[1], value:format(a), keys[2], value:format(b))
  local shape = any { '{"evidence": "one { brace, 7/10", %s}', "{%s}", '{%s, "evidence": "x"}', '{"scores": {%s}}', "```json\n{%s}\n```", "{%s,}", '{%s, "evidence": "cut he', '{"evidence": "line\nend", %s}', '{"verdict": {%s}}' }
  local text = shape:format(body)
  return math.random(6) == 1 and text:gsub('"', "'") or text
end

local function as_nested(_, _, a, b)
  return any { '{"assistant_a": {"score": %d, "reason": "x"}, "assistant_b": {"score": %d}}', '[{"assistant": "A", "score": %d}, {"assistant": "B", "score": %d}]',
    '{"A": {"accuracy": 3, "overall": %d}, "B": {"accuracy": 9, "overall": %d}}', '{"scores": [%d, %d]}', '{"accuracy": {"a": 1, "b": 2}, "overall": {"a": %d, "b": %d}}' }:format(a, b)
end

local function as_tags(_, _, a, b)
  return any { "<score_a>%d</score_a>\n<score_b>%d</score_b>", "<scoreA>%d/10</scoreA><scoreB>%d/10</scoreB>", "<assistant_a><score>%d</score></assistant_a><assistant_b><score>%d</score></assistant_b>" }:format(a, b)
end

local function as_table(_, scale, a, b)
  return fill(any { "| Assistant | Score |\n|---|---|\n| A | {a} |\n| B | {b} |", "| | Assistant A | Assistant B |\n|:-:|:-:|:-:|\n| Accuracy | 1 | 2 |\n| Overall | {a} | {b} |", "| Score Assistant A | {a} |\n| Score Assistant B | {b} |",
    "| Response | Accuracy | Overall Score |\n|---|---|---|\n| Response 1 | 9 | {a} |\n| Response 2 | 3 | {b} |" }, { a = number(a, scale), b = number(b, scale) })
end

local function as_sections(_, scale, a, b)
  return fill(any { "## Assistant A\nClear, unlike Assistant B.\n**Score:** {a}\n\n## Assistant B\nVague.\n**Score:** {b}", "**Assistant A**: it cites 3 sources.\n- Overall: {a}\n\n**Assistant B**: it cites none.\n- Overall: {b}",
    "### Accuracy\nAssistant A: 1/10\nAssistant B: 2/10\n\n### Overall\nAssistant A: {a}\nAssistant B: {b}", "Assistant A:\nAccuracy: 9, Clarity: 7\nOverall: {a}\n\nAssistant B:\nAccuracy: 5, Clarity: 7\nOverall: {b}" },
    { a = number(a, scale), b = number(b, scale) })
end

local function in_a_row(_, _, a, b)
  return any { "Assistant A: %d/10, Assistant B: %d/10", "Scores: A: %d, B: %d", "A: %d; B: %d", "Score Assistant A: %d/10 | Score Assistant B: %d/10", "I give A %d/10 and B %d/10.", "Scores: [%d, %d]", "Final scores: Assistant A %d/10, Assistant B %d/10",
    "Assistant A gets %d/10 and Assistant B gets %d/10.", "%d/10 for Assistant A, %d/10 for Assistant B" }:format(a, b)
end

function renderers.combined()
  local scale = any { 10, 10, 10, 5, 100 }
  local a, b = math.random(0, scale), math.random(0, scale)
  local how = any { as_lines, as_lines, as_lines, as_lines, as_json, as_nested, as_tags, as_table, as_sections, in_a_row }
  if how ~= as_lines then scale, a, b = 10, math.random(10), math.random(10) end
  return wrapped(how(any(LANGUAGES), scale, a, b)), scale, ("%g %g"):format(a, b)
end

function renderers.independent()
  local scale = any { 10, 10, 5, 100 }
  local n, language = math.random(0, scale), any(LANGUAGES)
  local how = math.random(8)
  local text
  if how == 1 then
    text = any { '{"score": %d}', '{"evidence": "8 of 9", "overall_score": %d}', '{"rating": "%d", }', '{"accuracy": 1, "overall": %d}' }:format(n)
  elseif how == 2 then text = any { "<score>%d</score>", "[RESULT] %d", "| Criterion | Score |\n|---|---|\n| Accuracy | 1 |\n| Overall | %d |" }:format(n)
  else text = fill(any(LINES), { l = any(language.whole), v = number(n, scale, language.of) }) end
  return wrapped(text), scale, ("%g"):format(n)
end

function renderers.direct()
  local language, names, winner = any(LANGUAGES), any(NAMES), any { "a", "b", "tie" }
  local x, y = names[winner == "b" and 2 or 1], names[winner == "b" and 1 or 2]
  local how = math.random(8)
  local text
  if how == 1 then
    text = any { '{"winner": "%s"}', '{"evidence": "a } brace", "winner": "%s"}', "```json\n{\"verdict\": \"%s\"}\n```", "<answer>%s</answer>", "[[%s]]", "\\boxed{%s}", "<verdict>\n%s\n</verdict>" }:format(winner == "tie" and "C" or names[1] == "1" and winner:upper() or x)
  else
    local values = winner == "tie" and language.tie or math.random(2) == 1 and #language.win > 0 and language.win or { "{x}", "**{x}**", "[[{x}]]", "({x})", '"{x}"', "Assistant {x}", "\\boxed{{x}}", "{x}." }
    local value = fill(any(values), { x = x, y = y })
    text = fill(any(LINES), { l = any(language.answer), v = value })
  end
  return wrapped(text), nil, winner
end

local function said(found, strategy)
  if not found then return nil end
  if strategy == "direct" then return found.winner end
  if strategy == "independent" then return ("%g"):format(found.scores.score) end
  return ("%g %g"):format(found.scores.a, found.scores.b)
end

local COUNT = tonumber(os.getenv "GENERATED") or 3000

for _, strategy in ipairs { "combined", "independent", "direct" } do
  local unread, wrong, examples = 0, 0, {}
  for _ = 1, COUNT do
    local text, scale, want = renderers[strategy]()
    local found, problem = verdict.parse(text, { strategy = strategy, scale = scale })
    local got = said(found, strategy)
    if got ~= want then
      if got then wrong = wrong + 1 else unread = unread + 1 end
      examples[#examples + 1] = ("%s %q: read %s, wanted %s (%s)"):format(got and "WRONG" or "unread", text, got, want, problem)
    end
  end
  tap.ok(wrong == 0, ("%s: %d verdicts in all forms, none is read wrong"):format(strategy, COUNT), table.unpack(examples, 1, math.min(#examples, 12)))
  tap.ok(unread == 0, ("%s: and all are read (%d are not)"):format(strategy, unread), table.unpack(examples, 1, math.min(#examples, tonumber(os.getenv "EXAMPLES") or 12)))
end

-- ---- what is ambiguous ----

-- No score of the scale: ranges, other scales, signs, alternatives, words.
local SPOILT = { "{n}-{m}", "{n}–{m}/{s}", "{n} to {m}", "{n}~{m}", "{n} or {m}", "{n}/{s} or {m}/{s}", "between {n} and {m}", "{n}%", "{n} percent", "{n}/{t}", "{n} out of {t}", "{n} of {t}", "{n} (out of {t})", "-{n}/{s}", "−{n}", "+{n}",
  "{b}", "{b}/{s}", "{n}/{s}/{s}", "{n}th", "{n}:{m}", "{n}e{m}", "N/A", "X/{s}", "?/{s}", "not given", "{n}/{s}, {m}/{s}", "{n}/{s} (or {m}/{s})", "{n} → {m}", "{n}.{m}.{n}", "{n}/{s}–{m}/{s}", "", "high", "{n}² " }

local function spoilt(scale)
  local n = math.random(1, scale - 1)
  local other = any { 7, 20, 50 }
  return fill(any(SPOILT), { n = n, m = n + 1, s = scale, t = other == scale and 30 or other, b = scale + math.random(1, 50) })
end

-- What makes a statement one of a criterion, of a tale, or of somebody else's.
local ASIDE = { "Accuracy {l}: {v}", "{l} (accuracy): {v}", "Previous {l}: {v}", "If sources were cited, {l}: {v}", "With sources, {l}: {v} would have been fair", "{l} is not {v}", "{l} would be {v}", "{l}: {v} if it were shorter", "{l}: {v}, had it cited sources",
  "My first draft had {l}: {v}", "The guidelines say that {l} {v} is rare", "Helpfulness - {l}: {v}", "{l} for style alone: {v}" }

local ENGLISH = LANGUAGES[1]
local unreadable = {}

function unreadable.combined()
  local scale = any { 10, 10, 5, 100 }
  local n, names, language = math.random(0, scale), any { { "A", "B" }, { "1", "2" } }, any(LANGUAGES)
  local how = math.random(4)
  if how == 1 then -- one side is missing
    return wrapped(fill(any(LINES), { l = fill(any(language.sides), { x = any(names) }), v = number(n, scale) })), scale
  elseif how == 2 then -- both are beside the point
    local aside, label = any(ASIDE), any { "Score Assistant {x}", "score for Assistant {x}", "Assistant {x}'s score" }
    return fill(aside, { l = fill(label, { x = names[1] }), v = n .. "/" .. scale }) .. "\n" .. fill(aside, { l = fill(label, { x = names[2] }), v = math.random(scale) .. "/" .. scale }), scale
  elseif how == 3 then -- one value in JSON is none
    return any { '{"score_a": %d, "score_b": "7-8"}', '{"score_a": %d, "score_b": null}', '{"score_a": %d, "score_b": 900}', '{"score_a": %d}', '{"score_a": %d, "score_b": "80%%"}', '{"accuracy_a": %d, "accuracy_b": 3}', '{"score_a": %d, "score_b": "high"}', '{"score_a": %d, "score_b": [1, 2]}' }:format(n), scale
  end
  local label, line, bad = any(language.sides), any(LINES), math.random(2)
  local lines = {}
  for i = 1, 2 do
    lines[i] = fill(line, { l = fill(label, { x = names[i] }), v = i == bad and spoilt(scale) or number(n, scale, language.of) })
  end
  return wrapped(table.concat(lines, "\n\n")), scale
end

function unreadable.independent()
  local scale = any { 10, 10, 5, 100 }
  local how = math.random(4)
  if how == 1 then
    return fill(any(ASIDE), { l = any { "the score", "the overall score", "overall score", "Score" }, v = math.random(scale) .. "/" .. scale }), scale
  elseif how == 2 then
    return any { "Accuracy: 9/10\nClarity: 5/10", "### Accuracy\nScore: 9\n\n### Clarity\nScore: 5", '{"accuracy": 9, "clarity": 5}', "Score: 7\n\nScore: 8", '{"score": null}', '{"score": "8-9"}', "It has 8 lines.", "Rating: 7\nRating: 9" }, 10
  end
  return wrapped(fill(any(LINES), { l = any(any(LANGUAGES).whole), v = spoilt(scale) })), scale
end

function unreadable.direct()
  local value = any { "A/B", "A or B", "A and B", "maybe A", "D", "X", "A?", "not A", "8/10", "It depends.", "Assistant C", "A, although B is better", "A (they are equally good)", "A, B or C", "AB", "either", "", "A or C", "somebody", "A better response would cite sources.",
    "A if accuracy matters, else B", "B, but A is better", "Assistant A and Assistant B", "Neither A nor B", "A could be better", "hard to say" }
  if math.random(6) == 1 then
    return any { "Accuracy: A\nClarity: B", "### Accuracy\nWinner: A\n\n### Clarity\nWinner: B", "Assistant A is better in tone.\nAssistant B is better in facts.", '{"winner": "A or B"}', '{"winner": null}', '{"accuracy_winner": "A"}', "If it cited sources, A would be better.", "Is A better?",
      "The correct answer is B.", "Answer: A\nAnswer: B" }
  end
  return wrapped(fill(any(LINES), { l = any(ENGLISH.answer), v = value }))
end

for _, strategy in ipairs { "combined", "independent", "direct" } do
  local read, examples = 0, {}
  for _ = 1, COUNT do
    local text, scale = unreadable[strategy]()
    local found = verdict.parse(text, { strategy = strategy, scale = scale })
    if found then
      read = read + 1
      examples[#examples + 1] = ("%q: read %s, of %s"):format(text, said(found, strategy), scale)
    end
  end
  tap.ok(read == 0, ("%s: of %d ambiguous texts none is read (%d are)"):format(strategy, COUNT, read), table.unpack(examples, 1, math.min(#examples, tonumber(os.getenv "EXAMPLES") or 12)))
end

-- ---- A and B alike ----

local SWAPPED = { A = "B", B = "A", ["1"] = "2", ["2"] = "1", a = "b", b = "a", ["Ａ"] = "Ｂ", ["Ｂ"] = "Ａ" }

--- The same text about the other one. Letters and numbers that name nobody are left alone.
local function swap(text)
  return (text:gsub("%f[%a]([AaBb])%f[%A]", SWAPPED):gsub("%f[%w]([12])%f[%W]", SWAPPED):gsub("score([AB])", function(x) return "score" .. SWAPPED[x] end)
    :gsub("Ａ", "\1"):gsub("Ｂ", "Ａ"):gsub("\1", "Ｂ"))
end

local PIECES = { "### Score Assistant A:\n", "### Score Assistant B:\n", "Score Assistant A: ", "Score Assistant B: ", "8/10", "6/10", "7.5/10", "\n", "\n\n", "Assistant A: ", "Assistant B: ", "Overall: ", "Accuracy: ", "Score: ", "**", ", ", "; ", " and ", "- ", "> ", "## Assistant A\n", "## Assistant B\n",
  "A: ", "B: ", "score_a: ", "score_b: ", '{"score_a": 8, "score_b": 6}', '{"score_b": 8, "score_a": 6}', "### Answer:\n", "Answer: ", " A", " B", " C", " > ", " is better ", " wins ", " is worse ", " than ", "not ", "Tie", " or ", "Both ", "[[A]]", "[[B]]", "The response says:\n", "I prefer ", "Winner: ", "because ", ". ", "It is clear. ",
  "<score_a>8</score_a>", "<score_b>6</score_b>", "| A | 8 |\n", "| B | 6 |\n", "7-8", "80%", "would be " }

do
  local unlike, texts, read = nil, 0, 0
  for _ = 1, COUNT do
    local list = {}
    for i = 1, math.random(2, 12) do list[i] = any(PIECES) end
    local text = table.concat(list)
    local shown = { table.concat(list, "", 1, math.random(#list)), "An answer." }
    for _, strategy in ipairs { "combined", "direct" } do
      local one = verdict.parse(text, { strategy = strategy, candidates = shown })
      local other = verdict.parse(swap(text), { strategy = strategy, candidates = { swap(shown[1]), shown[2] } })
      local turned = other and (SWAPPED[other.winner] or "tie")
      texts = texts + 1
      if one then read = read + 1 end
      if (one and one.winner) ~= turned or one and one.scores.a ~= (other.scores.b) then
        unlike = ("%s %q: %s, and swapped %s"):format(strategy, text, one and one.winner, turned)
      end
    end
  end
  tap.is(unlike, nil, ("what is said of A is read as the same of B: %d texts, %d of them verdicts"):format(texts, read))
end

tap.done()
