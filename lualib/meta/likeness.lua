---@meta fellowship.core.likeness
-- luacheck: ignore 212

---Duplicates among many texts, in any script. Texts are compared by their words: without case, white
---space and sentence punctuation, and with compatibility forms made equal (Unicode's NFKC and full case
---folding); in scripts without spaces each character is a word.
---@class fellowship.likeness
local likeness = {}

---@class fellowship.likeness.texts: userdata
local texts = {}

---Texts that are remembered. With a threshold, near duplicates are told too: those whose runs of three
---words agree in at least that part with those of an earlier text (their Jaccard similarity).
---@param threshold? number above 0, at most 1
---@return fellowship.likeness.texts
function likeness.texts(threshold) end

---Looks a text up among those remembered; one that is new is remembered.
---@param text string
---@return "exact"|"near"|nil duplicate
function texts:see(text) end

---How many pairs of texts were compared in full so far.
---@return integer
function texts:compared() end

---Forgets all of them.
function texts:close() end

---The words of a text, with a space between each two.
---@param text string
---@return string
function likeness.words(text) end

---The similarity of two texts, 0 to 1: the runs of three words that both have over those that either has.
---@param a string
---@param b string
---@return number
function likeness.of(a, b) end

return likeness
