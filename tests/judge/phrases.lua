#!/usr/bin/env fellowship
-- Phrases whose words say something only together ("a close call", "on par", "not as good as"), and ranks in objects:
-- what is read, and what stays unread ("").
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

require "styles"("direct", {
  { "Rank: B > A", "b" }, { "It was a close call, but B wins.", "b" }, { "A tough one, but Response B is better.", "b" },
  { "A close race: A", "a" }, { "Assistant A is close.", "" }, { "A is close to B.", "" }, { "B comes close.", "" },
  { "B is a close second.", "" }, { "I have to choose B.", "b" }, { "I have to go with A.", "a" },
  { "A would have to be better.", "" }, { "I have A.", "" }, { "On par", "tie" }, { "A and B are on par.", "tie" },
  { "Answer: on par", "tie" }, { "A is on par with experts.", "" }, { "No preference", "tie" },
  { "I have no clear preference.", "tie" }, { "No preference for A", "" }, { "A has no preference for tables.", "" },
  { "A is not as good as B.", "b" }, { "Answer: B is not as good as A", "a" }, { "B isn't as good as A.", "a" },
  { "A is nowhere near as good as B.", "b" }, { "A is not as bad as B.", "" }, { "A is as good as B? No.", "" },
  { "A is not as good as it could be.", "" }, { "Answer: #2", "b" }, { "In conclusion, A.", "a" }, { "Issue #2", "" },
  { "In conclusion, A cites.", "" }, { '{"rank": {"A": 2, "B": 1}}', "b" }, { '{"rank": {"A": 1, "B": 1}}', "tie" },
  { '{"rankings": {"Assistant A": 1, "Assistant B": 2}}', "a" }, { '{"rank": {"A": 1}}', "" }, { '{"rank": 1}', "" },
  { '{"accuracy_rank": {"A": 1, "B": 2}}', "" }, { '[{"model": "B", "rank": 1}, {"model": "A", "rank": 2}]', "b" },
  { '{"label": "B"}', "b" }, { '{"pairwise_preference": "A"}', "a" },
})
