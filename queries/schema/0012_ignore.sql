-- How often a rule for noise fired in a run: an [[ignore]] of the user's, or an
-- ignore among the policies. rule: what it says, in one line; it is known by that.
-- times: 0 in the first run that knew it, if it did not fire there.
CREATE TABLE ignore_event (seq BIGINT, run BIGINT, rule VARCHAR, times BIGINT, happened TIMESTAMP);
