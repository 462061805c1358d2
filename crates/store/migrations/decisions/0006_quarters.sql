-- A chart of a month reads quarters of days (span 21,600,000 ms); a file that has none yet makes them of its hours.
-- See docs/decisions/0039-figures-for-charts.md.
INSERT INTO figures (span, at, route, outcome, count)
SELECT 21600000, at - at % 21600000, route, outcome, sum(count) FROM figures
WHERE span = 3600000 AND NOT EXISTS (SELECT 1 FROM figures WHERE span = 21600000)
GROUP BY 2, 3, 4;

INSERT INTO spans (span, at, class, count)
SELECT 21600000, at - at % 21600000, class, sum(count) FROM spans
WHERE span = 3600000 AND NOT EXISTS (SELECT 1 FROM spans WHERE span = 21600000)
GROUP BY 2, 3;
