---@meta fellowship.core.sheet
-- luacheck: ignore 212

---What raters said of many rows, a few bytes each, and what is computed with it on a worker thread while the task
---waits, for fellowship.measure.
---@class fellowship.core.sheet
local sheets = {}

---Rows of some labels (whole numbers from 0 to 65,535) and measures. Rows with equal labels have one pattern; patterns
---are numbered from 1 in the order in which they came. Computing with a sheet settles it: nothing is added any more.
---@class fellowship.sheet: userdata
local sheet = {}

---Adds a row.
---@param key string|integer which unit it belongs to; looked at when the sheet is keyed
---@param ... number its labels, then its measures
function sheet:add(key, ...) end

---How many rows there are.
---@return integer
function sheet:rows() end

---How many patterns there are; of a view, its own.
---@return integer
function sheet:patterns() end

---A pattern.
---@param i integer
---@return integer rows that have it
---@return integer ... its labels
function sheet:pattern(i) end

---A view of some columns of labels: patterns that differ in the others alone are one.
---@param columns integer[] from 1
---@param maps (table<integer, integer>|nil)[] what each column's labels are translated to: 0 when the map has none
---@return fellowship.sheet
function sheet:project(columns, maps) end

---How many units there are: rows with one key are one; each row is one when the sheet is not keyed.
---@return integer
function sheet:units() end

---Sums over units. Each pattern stands for a vector: `width` numbers of each in one list, or for vectors with a single
---1 its place (0 for none). A unit's vector is the sum of its rows'; units whose vector is 0 are left out.
---@param values number[]
---@param width integer at most 10,000
---@return integer units
---@return number[] sums
---@return number[] cross the sum of v[i] v[j], `width` rows of `width`
function sheet:sums(values, width) end

---The same sums in resamples of the units (a bootstrap).
---@param values number[]
---@param width integer
---@param times integer how many resamples
---@param seed integer
---@return integer units
---@return number[] sums `width` of each resample
function sheet:resample(values, width, times, seed) end

---What an outcome would be if a measure were 0: logit(b0 + b1 tanh(measure / its standard deviation)), fitted with a
---wide normal prior, with b0 of each resample of the units, and as alpaca_eval fits it.
---@param outcomes number[] of each pattern: 0, 0.5 or 1, or -1 for what is left out
---@param measure integer which
---@param times integer how many resamples
---@param seed integer
---@return { n: integer, sd: number, coefficients: number[]?, lasso: number[]?, strength: number?, draws: number[] }
function sheet:control(outcomes, measure, times, seed) end

---An outcome by what patterns stand for, adjusted for measures: logit(design b + measures / their standard deviations c),
---fitted with a wide normal prior; the covariance lets rows of one unit hang together (a sandwich).
---@param outcomes number[] of each pattern: 0 to 1, or -1 for what is left out
---@param design number[] `width` numbers of each pattern
---@param width integer
---@param first integer the first measure, from 1
---@param count integer how many measures
---@return { n: integer, units: integer, sd: number[], coefficients: number[]?, covariance: number[]? } coefficients of the design, then of the measures; none where there is no fit
function sheet:adjust(outcomes, design, width, first, count) end

---Lets go of it.
function sheet:close() end

---A new one.
---@param options? { labels: integer?, measures: integer?, keyed: boolean? } how many of each a row has (at most 64 and 16), and whether rows say which unit they are of
---@return fellowship.sheet
function sheets.new(options) end

return sheets
