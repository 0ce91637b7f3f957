#!/usr/bin/env fellowship
-- How verdicts are read that models, and the prompts of other public judges, write in forms of their own; and what is
-- ambiguous and so is not read. A case is { what the judge wrote, what is read }; nil is unreadable.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local verdict = require "fellowship.judge.verdict"
local tap = require "tap"

local function said(found, strategy)
  if not found then return nil end
  if strategy == "direct" then return found.winner end
  if strategy == "independent" then return ("%g"):format(found.scores.score) end
  return ("%g %g"):format(found.scores.a, found.scores.b)
end

local function check(strategy, cases, options)
  for _, case in ipairs(cases) do
    local given = { strategy = strategy, scale = case.scale or 10, candidates = case.shown, second = case.second }
    local found, problem, kind = verdict.parse(case[1], given)
    local got = said(found, strategy)
    tap.ok(got == case[2], ("%s: %s"):format(strategy, (case.name or case[1]:sub(-70):gsub("\n", "|"))),
      ("%q"):format(case[1]):gsub("\\\n", "\\n"), ("read %s, wanted %s (%s, %s)"):format(got, case[2], kind, problem))
  end
  return options
end

-- ---- direct ----

check("direct", {
  -- second question
  { "A", "a", second = true }, { "**B**", "b", second = true }, { "Sorry. A", "a", second = true },
  { "I apologize for the confusion. B", "b", second = true }, { "I apologize for the confusion. B", nil },
  -- plain and in other judges' forms
  { "A", "a" }, { "b", "b" }, { "C", "tie" }, { "**B**", "b" }, { "[[A]]", "a" }, { "[[C]]", "tie" }, { "[A]", "a" }, { "(B)", "b" }, { "`A`", "a" },
  { "A.", "a" }, { "Assistant A", "a" }, { "Assistant 2", "b" }, { "Response B.", "b" }, { "Model A", "a" }, { "Output (b)", "b" }, { "Output (a) is better.", "a" },
  { "Therefore, Output (b) is better.", "b" }, { "1\n\n### Reason: Response 1 cites sources.", "a" }, { "Tie\n\n### Reason: both say the same thing.", "tie" }, { "2", "b" },
  { "My final verdict is: [[A>B]]", "a" }, { "My final verdict is: [[A>>B]]", "a" }, { "My final verdict is tie: [[A=B]]", "tie" }, { "[[B>>A]]", "b" }, { "[[B>A]]", "b" },
  { "My final verdict is: Assistant A is slightly better: [[A>B]]", "a" }, { "Assistant B is significantly better: [[B>>A]]", "b" },
  { "Final Decision: Response 1", "a" }, { "Final Decision: Tie", "tie" }, { "Feedback: A is fuller. [RESULT] A", "a" }, { "**Result:** B", "b" }, { "GRADE: B", "b" },
  { "Verdict: A", "a" }, { "Choice: B", "b" }, { "Winner: Assistant A", "a" }, { "Winner: Tie", "tie" }, { "Preferred response: B", "b" }, { "Better response: A", "a" },
  { "Preference: Response B", "b" }, { "Decision - B", "b" }, { "ANSWER: B", "b" }, { "answer: b", "b" }, { "Answer:B", "b" }, { "Answer = A", "a" }, { "Answer → B", "b" },
  { "Answer is B", "b" }, { "The answer is A.", "a" }, { "The winner is Assistant B.", "b" }, { "The better response is B.", "b" }, { "The best response is Response A", "a" },
  { "The better one is Assistant A.", "a" }, { "I choose B.", "b" }, { "I prefer Assistant A over Assistant B.", "a" }, { "I would go with B", "b" }, { "My choice is A", "a" },
  { "Overall, Assistant B is better.", "b" }, { "In conclusion, A wins.", "a" }, { "Thus, Assistant A outperforms Assistant B.", "a" }, { "B beats A.", "b" },
  { "<answer>B</answer>", "b" }, { "<verdict>\nA\n</verdict>", "a" }, { "<reasoning>A cites.</reasoning>\n<winner>Assistant A</winner>", "a" },
  { "<think>[[B]] maybe</think><answer>[[A]]</answer>", "a" }, { "$\\boxed{\\text{B}}$", "b" }, { "The final answer is $\\boxed{A}$.", "a" }, { "\\[\\boxed{A}\\]", "a" },
  { "| Winner | Assistant A |", "a" }, { "| Verdict |\n|---|\n| B |", "b" }, { "## Verdict\n\n**Assistant B**", "b" }, { "### Final Verdict\nAssistant A wins.", "a" },
  { "**Winner**: **Assistant A**", "a" }, { "**Final answer:** *B*", "b" }, { "- **Answer:** B", "b" }, { "> Answer: B", "b" }, { "### Answer:\n> B", "b" },
  { "### Answer:\n```\nA\n```", "a" }, { "### Answer:\n\n\n   B   \n", "b" }, { "###Answer:\nA", "a" }, { "# Answer #\nB", "b" }, { "### ANSWER:\nA", "a" }, { "### Answer:\n- B", "b" },
  { "### Answer: A — it cites its sources.", "a" }, { "### Answer: A - it cites its sources.", "a" }, { "### Answer: A (more complete)", "a" }, { "### Answer: B; A is wrong.", "b" },
  { "### Answer:\nA\n\nAssistant A cites its sources, while Assistant B does not.", "a" }, { "### Answer:\nA: Assistant A is better", "a" },
  { "### Answer:\nThe better response is that of Assistant B.", "b" }, { "### Answer:\nA is better than B", "a" }, { "### Answer:\nB is much better than A.", "b" },
  { "### Answer:\nA is worse than B", "b" }, { "### Answer:\nB is slightly worse", "a" }, { "### Answer:\nA loses", "b" }, { "### Answer:\nA>B", "a" }, { "### Answer:\nA >> B", "a" },
  { "### Answer:\nA < B", "b" }, { "### Answer:\nB<A", "a" }, { "### Answer:\nA ≈ B", "tie" }, { "### Answer:\nA = B", "tie" }, { "### Answer:\nA≻B", "a" },
  { "### Answer:\nA tie", "tie" }, { "### Answer:\nIt's a tie.", "tie" }, { "### Answer:\nIt is a draw", "tie" }, { "### Answer:\nTied", "tie" }, { "### Answer:\nC (tie)", "tie" },
  { "### Answer:\nEqually good", "tie" }, { "### Answer:\nBoth are equally good.", "tie" }, { "### Answer:\nA and B are equal", "tie" }, { "### Answer:\nA is equal to B", "tie" },
  { "### Answer:\nA is as good as B", nil }, { "### Answer:\nNeither is better", "tie" }, { "### Answer:\nNo clear winner", "tie" }, { "### Answer:\nC - they are equally good", "tie" },
  { "### Answer:\nNot A, but B", "b" }, { "### Answer:\nB, not A", "b" }, { "### Answer:\nB rather than A", "b" }, { "### Answer:\nA, because B is wrong about the date", "a" },
  { "### Answer:\nA better response would cite sources, so B wins.", "b" }, { "### Answer: A detailed look shows that B is better. So B.", "b" },
  { "### Answer:\nBoth are equal: C", "tie" }, { "I'd say B.\n\n### Answer:\nA", "a" }, { "### Answer:\nB\n\nOn reflection:\n\n### Answer:\nA", "a" },
  { "### Answer: B\n\nNote: ### Answer: A would ignore the sources.", "b" }, { "Question: Answer: A) Paris.\n\n### Answer:\nB", "b" },
  -- characters
  { "### Ａnswer：Ｂ", "b" }, { "### Answer:\nＡ", "a" }, { "### Answer:\n\u{200b}A", "a" }, { "### Answer:\n🅰️", "a" }, { "### Answer:\n🅱", "b" }, { "### Answer:\nⒷ", "b" },
  { "### Answer:\n“A”", "a" }, { "### Answer:\n「B」", "b" }, { "### Answer:\n【A】", "a" }, { "### Answer:\n𝐀", "a" }, { "### Answer:\n✅ B", "b" }, { "### Answer:\nВ", "b" },
  { "### Answer:&nbsp;A", "a" }, { "### <b>Answer:</b> A", "a" }, { "### Answer:\r\nB\r\n", "b" }, { "### Answer:\\nB", "b" }, { "### Answer:\u{a0}A", "a" },
  -- languages
  { "### Antwort:\nA", "a" }, { "Antwort: B", "b" }, { "### Antwort:\nUnentschieden", "tie" }, { "Gewinner: Assistent B", "b" }, { "Assistent A ist besser.", "a" }, { "A ist besser als B", "a" },
  { "### Réponse :\nB", "b" }, { "Réponse : A", "a" }, { "Verdict : égalité", "tie" }, { "L'assistant A est meilleur.", "a" }, { "### Respuesta:\nA", "a" }, { "Respuesta: Empate", "tie" },
  { "La respuesta B es mejor.", "b" }, { "### Risposta:\nB", "b" }, { "Vincitore: A", "a" }, { "### Resposta:\nA", "a" }, { "A resposta B é melhor.", "b" }, { "### Antwoord:\nB", "b" },
  { "### Odpowiedź:\nA", "a" }, { "Remis", "tie" }, { "### Ответ:\nA", "a" }, { "Ответ: Б", "b" }, { "Победитель: Ассистент A", "a" }, { "### Ответ:\nничья", "tie" }, { "### 答案：\nA", "a" },
  { "答案：B", "b" }, { "### 回答：B", "b" }, { "结论：助手A更好", "a" }, { "### 答案：平局", "tie" }, { "最终答案：A", "a" }, { "[[A]]。", "a" }, { "### 回答:\nアシスタントB", "b" },
  { "結論：引き分け", "tie" }, { "### 답변:\nA", "a" }, { "정답: B", "b" }, { "결론: 무승부", "tie" }, { "### الإجابة:\nB", "b" }, { "### उत्तर:\nA", "a" },
  -- JSON
  { '{"winner": "A"}', "a" }, { '{"answer": "B"}', "b" }, { '{"verdict": "Assistant B"}', "b" }, { '{"evidence": "A is } odd", "winner": "C"}', "tie" }, { '{"winner": "tie"}', "tie" },
  { '```json\n{"evidence": "x", "winner": "B"}\n```', "b" }, { "{'winner': 'A'}", "a" }, { '{"choice": "assistant_1"}', "a" }, { '{"preferred": "model_b"}', "b" }, { '{"better_response": "A"}', "a" },
  { '{"verdict": {"winner": "A", "confidence": 0.8}}', "a" }, { '{"final_verdict": "[[B]]"}', "b" }, { '{"winner": "A", "evidence": "cut', "a" }, { '{winner: "B",}', "b" }, { '{"decision": "A > B"}', "a" },
  { '[{"model": "A", "rank": 1}, {"model": "B", "rank": 2}]', "a" }, { '{"ranking": [{"model": "B", "rank": 1}, {"model": "A", "rank": 2}]}', "b" }, { '{"winner": "A", }', "a" },
  { '"{\\"winner\\": \\"B\\"}"', "b" }, { '{"accuracy_winner": "A", "winner": "B"}', "b" }, { '{"winner": "response A"}', "a" }, { '{"winner": "Neither"}', nil }, { '{"winner": null}', nil },
  { '{"winner": "A or B"}', nil }, { '{"winner": "X"}', nil },
  -- ambiguous, or no verdict
  { "", nil }, { "  \n", nil }, { "### Answer:", nil }, { "### Answer:\n", nil }, { "### Answer:\nX", nil }, { "### Answer:\nA/B", nil }, { "### Answer:\nA or B", nil }, { "### Answer:\nA and B", nil },
  { "### Answer:\nD", nil }, { "### Answer:\nA?", nil }, { "### Answer:\nA (they are equally good)", nil }, { "### Answer:\nIt depends.", nil }, { "### Answer:\nA, although B is better", nil },
  { "### Answer:\nA better response would cite sources.", nil }, { "### Answer:\nnot A", nil }, { "Assistant A is better at citing sources.", nil }, { "A is better in tone. B is better in facts.", nil },
  { "Assistant A could be better.", nil }, { "If A had cited sources, A would be better.", nil }, { "Is A better?", nil }, { "Accuracy: A\nClarity: B", nil }, { "Accuracy winner: A", nil },
  { "### Accuracy\nWinner: A\n\n### Clarity\nWinner: B", nil }, { "Winner on accuracy: A\nWinner on clarity: B", nil }, { "The correct answer is B, as Assistant A says.", nil },
  { "## Assistant A\nGood.\n\n## Assistant B\nBad.", nil }, { "Answer: A\nAnswer: B", nil }, { "A\nB", nil }, { "I cannot decide.", nil }, { "Both have merits.", nil }, { "AB", nil }, { "### Answer:\nAB", nil },
  { "### Answer:\nA, B or C", nil }, { "### Answer:\nA or C", nil }, { "<thinking>Maybe ### Answer:\nA? Let me", nil }, { "### Answer:\n8/10", nil }, { "Answer: Option A or maybe B", nil },
  { "### Answer:\nNeither A nor B", nil }, { "A sentence about nothing.", nil }, { "### Answer:\nAssistant C", nil }, { "### Answer:\nA\n\n### Answer:\nX/Y", nil },
})

-- ---- independent ----

check("independent", {
  -- second question
  { "8", "8", second = true }, { "Sorry: 8", "8", second = true }, { "I apologize. The score is 8/10.", "8", second = true },
  { "8", "8" }, { "8/10", "8" }, { "8.5", "8.5" }, { "**8/10**", "8" }, { "[[8]]", "8" }, { "Rating: [[8]]", "8" }, { "Score: 8", "8" }, { "SCORE: 8", "8" }, { "score=8", "8" }, { "Grade: 8/10", "8" },
  { "GRADE: 8", "8" }, { "Rating: 8 out of 10", "8" }, { "Rating (1-10): 8", "8" }, { "Score [1-10]: 8", "8" }, { "Score (out of 10): 8", "8" }, { "Score/10: 8", "8" }, { "Score (0 to 10) - 8", "8" },
  { "Overall score: 8 / 10", "8" }, { "Overall Score — 8/10", "8" }, { "Overall Score → 8/10", "8" }, { "Overall: 8/10", "8" }, { "Total: 8/10", "8" }, { "Final score: 8/10", "8" }, { "Final rating: 8", "8" },
  { "Overall quality: 8/10", "8" }, { "[RESULT] 4", "4", scale = 5 }, { "Feedback: fine. [RESULT] 4", "4", scale = 5 }, { "**Result:** 4", "4", scale = 5 }, { "<score>8</score>", "8" },
  { "<feedback>\nGood: 9 facts.\n</feedback>\n<score>\n8\n</score>", "8" }, { "<rating>8/10</rating>", "8" }, { "<reasoning>fine</reasoning><highlight>[]</highlight><score>1</score>", "1" },
  { "- Coherence: 4", nil, scale = 5 }, { "Evaluation Form (scores ONLY):\n- Overall: 4", "4", scale = 5 }, { "I give it an 8.", "8" }, { "I'd rate this response 8/10.", "8" }, { "I would give this an 8 out of 10", "8" },
  { "This response deserves a score of 8/10.", "8" }, { "The response gets 8/10", "8" }, { "My rating is 8.", "8" }, { "Overall, I would rate this response an 8/10.", "8" }, { "Score: eight out of ten", "8" },
  { "Score: eight", "8" }, { "### Overall Score:\nX/10\n\n### Overall Score:\n8/10", "8" }, { "### Overall Score:\n7/10\n\nOn reflection:\n\n### Overall Score:\n8/10", "8" },
  { "### Overall Score:\n8/10\n\nAccuracy: 9/10", "8" }, { "| Criterion | Score |\n|---|---|\n| Accuracy | 9/10 |\n| Overall | 8/10 |", "8" }, { "| Overall Score | 8/10 |", "8" }, { "| **Total** | **8** |", "8" },
  { "| Criterion | Weight | Score |\n|---|---|---|\n| Accuracy | 2 | 9 |\n| Overall | 1 | 8 |", "8" }, { "Accuracy: 9/10\nClarity: 5/10\nOverall: 8/10", "8" }, { "Overall: 8/10\nAccuracy: 9/10\nClarity: 5/10", "8" },
  { "**Accuracy**: 9/10. **Clarity**: 7/10. **Overall Score**: 8/10.", "8" }, { "$\\boxed{8}$", "8" }, { "Overall Score: $\\frac{8}{10}$", "8" }, { "Overall Score: \\textbf{8}/10", "8" }, { "Score: 8/10 ⭐", "8" },
  { "Overall Score: 8 ⭐⭐⭐", "8" }, { "Overall Score: 8/10 (very good)", "8" }, { "Overall Score: 8/10, since it is complete.", "8" }, { "Overall Score: 8/10. It lists 3 reasons.", "8" }, { "Overall Score: 8/10 (3 strong points)", "8" },
  { "Overall Score: 8 points", "8" }, { "Overall Score: 8 out of 10 points", "8" }, { "Overall Score: 8 of 10", "8" }, { "Overall Score: 8 out of a possible 10", "8" }, { "Overall Score: 8.0/10.0", "8" },
  { "Overall Score: 8⁄10", "8" }, { "Overall Score: ８．５／１０", "8.5" }, { "Overall Score: 8️⃣/🔟", "8" }, { "Overall Score: ⑧", "8" }, { "Overall Score: ٨/١٠", "8" }, { "Overall Score: ८/१०", "8" }, { "Overall Score: 𝟖/𝟏𝟎", "8" },
  { "Overall Score: 8,5/10", "8.5" }, { "Overall Score: 7 1/2", "7.5" }, { "Overall Score: 7½/10", "7.5" }, { "Overall Score: ~~7/10~~ 8/10", "8" }, { "Overall Score:8/10", "8" }, { "overall_score: 8", "8" }, { "overallScore = 8", "8" },
  { "Overall &#83;core: 8/10", "8" }, { "**Overall Score**\n\n8/10", "8" }, { "Overall Score\n8/10", "8" }, { "Overall Score\n-------------\n8/10", "8" }, { "# Overall Score: #\n8/10", "8" }, { "1. Overall Score: 8/10", "8" },
  { "* Overall Score: 8/10", "8" }, { "> Overall Score: 8/10", "8" }, { "```\nOverall Score: 8/10\n```", "8" },
  -- languages
  { "### Gesamtpunktzahl:\n8/10", "8" }, { "Gesamtbewertung: 8 von 10", "8" }, { "Bewertung: 8/10 Punkten", "8" }, { "### Note globale :\n8/10", "8" }, { "Note : 8 sur 10", "8" }, { "Puntuación general: 8/10", "8" },
  { "Puntuación: 8 de 10", "8" }, { "Punteggio complessivo: 8/10", "8" }, { "Pontuação geral: 8/10", "8" }, { "Nota final: 8", "8" }, { "Totaalscore: 8/10", "8" }, { "Ogólna ocena: 8/10", "8" }, { "Общая оценка: 8/10", "8" },
  { "Оценка: 8 из 10", "8" }, { "总体评分：8/10", "8" }, { "总分：8分", "8" }, { "评分：八分", "8" }, { "总体得分: 8", "8" }, { "総合評価：8/10", "8" }, { "スコア：8点", "8" }, { "총점: 8/10", "8" }, { "점수: 8점", "8" }, { "النتيجة الإجمالية: 8/10", "8" },
  -- JSON
  { '{"score": 8}', "8" }, { '{"overall_score": 8}', "8" }, { '{"rating": "8/10"}', "8" }, { '{"evidence": "it has 9 facts", "score": 8}', "8" }, { '{"score": {"value": 8, "max": 10}}', "8" }, { '{"scores": {"accuracy": 9, "overall": 8}}', "8" },
  { '{"accuracy": {"score": 9}, "overall": {"score": 8}}', "8" }, { "Here it is:\n```json\n{\n  \"score\": 8,\n}\n```", "8" }, { '{"name": "grade", "arguments": {"score": 8}}', "8" }, { '{"score": 8, "reason": "cut off he', "8" }, { '{"score": "eight"}', "8" },
  -- ambiguous, or none
  { "", nil }, { "### Overall Score:", nil }, { "### Overall Score:\nX/10", nil }, { "### Overall Score:\nN/A", nil }, { "Overall Score: 7-8/10", nil }, { "Overall Score: 7–8", nil }, { "Overall Score: 7 to 8", nil }, { "Overall Score: 7~8", nil },
  { "Overall Score: 7 or 8", nil }, { "Overall Score: between 7 and 8", nil }, { "Overall Score: 80%", nil }, { "Overall Score: 80 %", nil }, { "Overall Score: 4/5", nil }, { "Overall Score: 80/100", nil }, { "Overall Score: 80", nil }, { "Overall Score: -3/10", nil },
  { "Overall Score: −3/10", nil }, { "Overall Score: +8", nil }, { "Overall Score: 8+", nil }, { "Overall Score: 11/10", nil }, { "Overall Score: 4 out of 5", nil }, { "Overall Score: 16 sur 20", nil }, { "Overall Score: 8/10/10", nil }, { "Overall Score: 8th", nil },
  { "Overall Score: 8:30", nil }, { "Overall Score: 1e1", nil }, { "Overall Score: 8/10, 9/10", nil }, { "Overall Score: 8/10 (or 9/10)", nil }, { "Overall Score: 8/10 → 9/10", nil }, { "Overall Score (1-5): 4", nil }, { "Rating (out of 5): 4", nil },
  { "Accuracy: 9/10\nClarity: 5/10", nil }, { "Accuracy score: 9/10", nil }, { "### Accuracy\nScore: 9/10\n\n### Clarity\nScore: 5/10", nil }, { "Accuracy is fine.\nScore: 9/10\n\nClarity is weak.\nScore: 5/10", nil }, { "Total: 14/20", nil },
  { "With sources, the overall score would be 9/10.", nil }, { "If it cited sources, I would give it a 9/10.", nil }, { "It is not an 8/10.", nil }, { "The response lists 8 rivers.", nil }, { "The previous score was 8/10.", nil }, { "Overall Score: null", nil },
  { '{"score": null}', nil }, { '{"score": "high"}', nil }, { '{"score": 80}', nil }, { '{"accuracy": 9, "clarity": 5}', nil }, { '{"score": 1', nil }, { '{"score": [7, 8]}', nil }, { "Overall Score: 8.5.2", nil }, { "Overall Score: 8²", nil },
  { "I scored it 8 at first, then 9.", nil },
})

-- ---- combined ----

local EVIDENCE = "A is fuller, though it has 3 slips; B has 12 lines.\n\n"

check("combined", {
  { "### Score Assistant A:\n8/10\n\n### Score Assistant B:\n6/10", "8 6" }, { "Score Assistant A: 8/10; Score Assistant B: 6/10", "8 6" }, { "Score for Assistant A: 8/10. Score for Assistant B: 6/10", "8 6" },
  { "### Score of Assistant A:\n8/10\n### Score of Assistant B:\n6/10", "8 6" }, { "### Assistant A's score: 8/10\n### Assistant B's score: 6/10", "8 6" }, { "### Assistant A’s Score\n8/10\n### Assistant B’s Score\n6/10", "8 6" },
  { "Assistant A: 8\nAssistant B: 6", "8 6" }, { "A: 8/10\nB: 6/10", "8 6" }, { "A: 8, B: 6", "8 6" }, { "A - 8/10\nB - 6/10", "8 6" }, { "A = 8, B = 6", "8 6" }, { "(A) 8/10 (B) 6/10", "8 6" }, { "**A:** 8/10, **B:** 6/10", "8 6" },
  { "Scores: A: 8/10, B: 6/10", "8 6" }, { "Scores - Assistant A: 8/10 | Assistant B: 6/10", "8 6" }, { "Final scores: Assistant A 8/10, Assistant B 6/10", "8 6" }, { "Assistant 1: 8/10\nAssistant 2: 6/10", "8 6" },
  { "Response 1: 8/10\nResponse 2: 6/10", "8 6" }, { "Model A: 8/10\nModel B: 6/10", "8 6" }, { "Score 1: 8\nScore 2: 6", "8 6" }, { "1: 8/10\n2: 6/10", "8 6" }, { "First response: 8/10\nSecond response: 6/10", "8 6" }, { "The first assistant: 8/10, the second assistant: 6/10", "8 6" },
  { "Assistant One: 8/10\nAssistant Two: 6/10", "8 6" }, { "Assistant B: 6/10\nAssistant A: 8/10", "8 6" }, { "I give A 8/10 and B 6/10.", "8 6" }, { "I'd rate Assistant A 8/10 and Assistant B 6/10.", "8 6" }, { "8/10 for Assistant A, 6/10 for Assistant B", "8 6" },
  { "I give 8/10 to A and 6/10 to B", "8 6" }, { "8/10 (Assistant A), 6/10 (Assistant B)", "8 6" }, { "Assistant A gets 8/10; Assistant B gets 6/10.", "8 6" }, { "Assistant A receives a score of 8 out of 10, and Assistant B a score of 6 out of 10.", "8 6" },
  { "8 6", "8 6" }, { "8 6\nThe first is fuller.", "8 6" }, { "8, 6", "8 6" }, { "8/10, 6/10", "8 6" }, { "Scores: 8, 6", "8 6" }, { "Scores: [8, 6]", "8 6" }, { "\\boxed{8, 6}", "8 6" }, { "[[8, 6]]", "8 6" }, { "Assistant A and Assistant B: 8/10 and 6/10", "8 6" },
  { "Both assistants: 8/10", "8 8" }, { "## Assistant A\n**Score:** 8/10\n\n## Assistant B\n**Score:** 6/10", "8 6" }, { "**Assistant A**\nScore: 8/10\n\n**Assistant B**\nScore: 6/10", "8 6" }, { "Assistant A:\n- good\n- Score: 8/10\n\nAssistant B:\n- bad\n- Score: 6/10", "8 6" },
  { "**Assistant A**: It cites 3 sources and is clear.\n**Score**: 8/10\n\n**Assistant B**: It cites none.\n**Score**: 6/10", "8 6" }, { "Assistant A is clear. Score: 8/10\nAssistant B is vague. Score: 6/10", "8 6" },
  { "1. **Assistant A**: 8/10\n2. **Assistant B**: 6/10", "8 6" }, { "- Assistant A — **8/10** – clear\n- Assistant B — **6/10** – vague", "8 6" }, { "### Assistant A\n#### Accuracy\nScore: 9\n#### Overall\nScore: 8\n### Assistant B\n#### Accuracy\nScore: 4\n#### Overall\nScore: 6", "8 6" },
  { "### Accuracy\nAssistant A: 9/10\nAssistant B: 5/10\n\n### Overall\nAssistant A: 8/10\nAssistant B: 6/10", "8 6" }, { "### Scores\nAssistant A: 8/10\nAssistant B: 6/10", "8 6" }, { "### Final Scores\n- Assistant A: 8/10\n- Assistant B: 6/10", "8 6" },
  { "| Assistant | Score |\n|---|---|\n| A | 8/10 |\n| B | 6/10 |", "8 6" }, { "| | Assistant A | Assistant B |\n|---|---|---|\n| Accuracy | 9 | 5 |\n| **Overall** | **8** | **6** |", "8 6" }, { "| Assistant | Accuracy | Overall |\n|---|---|---|\n| Assistant A | 9 | 8 |\n| Assistant B | 5 | 6 |", "8 6" },
  { "| Criterion | A | B |\n|---|---|---|\n| Accuracy | 9 | 5 |\n| Total | 8 | 6 |", "8 6" }, { "|Assistant A|8/10|\n|Assistant B|6/10|", "8 6" }, { "Assistant | Score\n--- | ---\nA | 8\nB | 6", "8 6" }, { "<table><tr><th></th><th>Assistant A</th><th>Assistant B</th></tr><tr><td>Overall</td><td>8/10</td><td>6/10</td></tr></table>", "8 6" },
  { "<score_a>8</score_a><score_b>6</score_b>", "8 6" }, { "<assistant_a><score>8</score></assistant_a>\n<assistant_b><score>6</score></assistant_b>", "8 6" }, { "<assistant_a>\n<accuracy>9</accuracy>\n<overall>8</overall>\n</assistant_a>\n<assistant_b>\n<accuracy>5</accuracy>\n<overall>6</overall>\n</assistant_b>", "8 6" },
  { EVIDENCE .. "### Score Assistant A:\n8.5/10\n\n### Score Assistant B:\n6/10", "8.5 6" }, { EVIDENCE .. "**Score Assistant A:** 8/10\n**Score Assistant B:** 6/10", "8 6" }, { EVIDENCE .. "Score_A: 8\nScore_B: 6", "8 6" }, { "scoreA: 8\nscoreB: 6", "8 6" }, { "score_1: 8\nscore_2: 6", "8 6" },
  { "### Score Assistant A:\n**Score:** 8/10\n\n### Score Assistant B:\n**Score:** 6/10", "8 6" }, { "### Score Assistant A:\nI give it 8/10.\n\n### Score Assistant B:\nI give it 6/10.", "8 6" }, { "### Score Assistant A: Good (8/10)\n### Score Assistant B: Fair (6/10)", "8 6" },
  { "### Score Assistant A:\n7/10\n\n### Score Assistant B:\n7/10\n\nWait: A is fuller.\n\n### Score Assistant A:\n8/10\n\n### Score Assistant B:\n6/10", "8 6" }, { "### Score Assistant A:\n8/10\n\n### Score Assistant B:\n6/10\n\nAssistant A wins by 2 points.", "8 6" },
  { "### Score Assistant A:\n8/10\n\n### Score Assistant B:\n6/10\n\nSo the score of Assistant A is 8/10.", "8 6" }, { "### Scоre Assistant A:\n8/10\n### Sc\u{ad}ore Assistant B:\n6/10", "8 6" }, { "Ѕcore Аssistant А: 8/10\nScore Assistant В: 6/10", "8 6" },
  -- languages
  { "### Punktzahl Assistent A:\n8/10\n\n### Punktzahl Assistent B:\n6/10", "8 6" }, { "### Bewertung Assistent A:\n8,5/10\n### Bewertung Assistent B:\n6/10", "8.5 6" }, { "### Note de l'assistant A :\n8/10\n### Note de l'assistant B :\n6/10", "8 6" }, { "Note Assistant A : 8 sur 10\nNote Assistant B : 6 sur 10", "8 6" },
  { "### Punteggio Assistente A:\n8/10\n### Punteggio Assistente B:\n6/10", "8 6" }, { "### Pontuação Assistente A:\n8/10\n### Pontuação Assistente B:\n6/10", "8 6" }, { "### Score Assistent A:\n8/10\n### Score Assistent B:\n6/10", "8 6" }, { "### Ocena Asystent A:\n8/10\n### Ocena Asystent B:\n6/10", "8 6" },
  { "### Оценка ассистента A:\n8/10\n### Оценка ассистента B:\n6/10", "8 6" }, { "Оценка ассистента А: 8 из 10\nОценка ассистента Б: 6 из 10", "8 6" }, { "### 助手A的评分：\n8/10\n\n### 助手B的评分：\n6/10", "8 6" }, { "助手 A 得分：8分\n助手 B 得分：6分", "8 6" }, { "回答1：8分，回答2：6分", "8 6" },
  { "### アシスタントAのスコア：\n8/10\n\n### アシスタントBのスコア：\n6/10", "8 6" }, { "### 어시스턴트 A 점수:\n8/10\n\n### 어시스턴트 B 점수:\n6/10", "8 6" }, { "### درجة المساعد A:\n8/10\n### درجة المساعد B:\n6/10", "8 6" }, { "### सहायक A स्कोर:\n8/10\n### सहायक B स्कोर:\n6/10", "8 6" },
  -- JSON
  { '{"score_a": 8, "score_b": 6}', "8 6" }, { '{"evidence": "A says {x}", "score_a": 8, "score_b": 6}', "8 6" }, { '{"scores": {"A": 8, "B": 6}}', "8 6" }, { '{"scores": [8, 6]}', "8 6" }, { '{"assistant_a": 8, "assistant_b": 6}', "8 6" }, { '{"A": {"score": 8}, "B": {"score": 6}}', "8 6" },
  { '[{"assistant": "A", "score": 8}, {"assistant": "B", "score": 6}]', "8 6" }, { '{"evaluations": [{"assistant": "Assistant A", "score": 8}, {"assistant": "Assistant B", "score": 6}]}', "8 6" }, { '{"accuracy": {"a": 9, "b": 5}, "overall": {"a": 8, "b": 6}}', "8 6" },
  { '{"assistant_a": {"accuracy": 9, "overall": 8}, "assistant_b": {"accuracy": 5, "overall": 6}}', "8 6" }, { '{"score_a": "8/10", "score_b": "6 out of 10",}', "8 6" }, { '```\n{score_a: 8, score_b: 6}\n```', "8 6" }, { '{"score_a": 8, "score_b": 6, "evidence": "cut', "8 6" }, { '{"score_a": 8, "score_b": 6', "8 6" },
  { '{"evidence": "line\nbreak", "score_a": 8, "score_b": 6}', "8 6" }, { '{"evidence": "she said "so" twice", "score_a": 8, "score_b": 6}', "8 6" }, { '{"score_a": 8, // better\n "score_b": 6}', "8 6" }, { "{'score_a': 8, 'evidence': 'A\\'s it\'s', 'score_b': 6}", "8 6" },
  { '{"score_assistant_1": 8, "score_assistant_2": 6}', "8 6" }, { '{"score": {"a": {"value": 8, "max": 10}, "b": {"value": 6, "max": 10}}}', "8 6" }, { '{"name": "verdict", "arguments": {"score_a": 8, "score_b": 6}}', "8 6" }, { '"{\\"score_a\\": 8, \\"score_b\\": 6}"', "8 6" },
  { '{"evidence": "### Score Assistant A: 1/10, ### Score Assistant B: 9/10", "score_a": 8, "score_b": 6}', "8 6" }, { 'I use {"score_a": X}.\n{"score_a": 8, "score_b": 6}', "8 6" }, { "score_a: 8\nscore_b: 6\nevidence: fine", "8 6" },
  -- second question
  { "8\n6", "8 6", second = true }, { "8/10\n6/10", "8 6", second = true }, { "8 and 6", "8 6", second = true },
  { "Sorry for the confusion:\n\n**8/10**\n**6/10**", "8 6", second = true }, { "1. 8/10\n2. 6/10", "8 6", second = true },
  -- ambiguous, or none
  { "", nil }, { "### Score Assistant A:\n8/10", nil }, { "### Score Assistant A:\n8/10\n\n### Score Assistant B:", nil }, { "### Score Assistant A:\n8/10\n\n### Score Assistant B:\nX/10", nil }, { "### Score Assistant A:\n8/10\n\n### Score Assistant B:\nN/A", nil },
  { "### Score Assistant A:\n8/10\n\n### Score Assistant B:\n6-7/10", nil }, { "### Score Assistant A:\n8/10\n\n### Score Assistant B:\n60%", nil }, { "### Score Assistant A:\n8/10\n\n### Score Assistant B:\n3/5", nil }, { "### Score Assistant A:\n8/10\n\n### Score Assistant B:\n-6/10", nil },
  { "### Score Assistant A:\n85\n\n### Score Assistant B:\n60", nil }, { "### Score Assistant A (1-5):\n4\n\n### Score Assistant B (1-5):\n3", nil }, { "8 10", nil }, { "8/6", nil }, { "8-6", nil }, { "8,6", nil }, { "7", nil }, { "Scores: 8, 6, 7", nil },
  { "### Accuracy\nAssistant A: 9/10\nAssistant B: 5/10\n\n### Clarity\nAssistant A: 6/10\nAssistant B: 7/10", nil }, { "Accuracy\nScore Assistant A: 9/10\nScore Assistant B: 5/10\nClarity\nScore Assistant A: 6/10\nScore Assistant B: 7/10", nil },
  { "## Accuracy\n### Score Assistant A:\n9/10\n### Score Assistant B:\n5/10\n\n## Clarity\n### Score Assistant A:\n6/10\n### Score Assistant B:\n7/10", nil }, { "- Accuracy: A 9/10, B 5/10", nil }, { "Accuracy score Assistant A: 9/10\nAccuracy score Assistant B: 5/10", nil },
  { "| Criterion | A | B |\n|---|---|---|\n| Accuracy | 9 | 5 |\n| Clarity | 6 | 7 |", nil }, { "| Overall | 8/10 | 6/10 |", nil }, { '{"accuracy": {"a": 9, "b": 5}}', nil }, { '[{"model": "A", "rank": 1}, {"model": "B", "rank": 2}]', nil }, { '{"score_a": 8}', nil }, { '{"score_a": 8, "score_b": 1', nil },
  { '{"score_a": 8, "score_b": null}', nil }, { "Assistant A would get 8/10 and Assistant B 6/10 if they cited sources.", nil }, { "If A cited sources, Score Assistant A: 8/10, Score Assistant B: 6/10", nil }, { "Assistant A has 8 paragraphs. Assistant B has 6.", nil },
  { "Assistant A: 8 words\nAssistant B: 6 words", nil }, { "A scored higher than B by 2.", nil }, { "### Score Assistant A:\n7/10\n\n### Score Assistant B:\n5/10\n\nRevised:\n\n### Score Assistant A:\n8/10", "8 5" }, { "<thinking>### Score Assistant A: 8/10\n### Score Assistant B: 6/10", nil },
  { "### Score Assistant C:\n8/10\n\n### Score Assistant D:\n6/10", nil }, { "[[A>B]]", nil }, { "### Answer:\nA", nil },
})

-- Where a score stands is counted from the end of all that was written, tokens that end a turn and all.
for _, text in ipairs { "### Overall Score:\n7/10<|im_end|>", "Rating: 7/10</s>\n", "It is fine: 7/10<|eot_id|>user\n5/10" } do
  local found = verdict.parse(text, { strategy = "independent" })
  tap.is(found and found.behind.score, #text - text:find("7", 1, true) + 1, ("%q"):format(text))
end

tap.done()
