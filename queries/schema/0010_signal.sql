-- Hints that a device changed: lines that it sent to our syslog listener.
-- kind: syslog. happened: when the first of them came in, by our clock. lines:
-- how many said the same within a few seconds. who and via may be NULL.
CREATE TABLE signal (
    seq BIGINT, device_id BIGINT, kind VARCHAR, happened TIMESTAMP, who VARCHAR, via VARCHAR, lines BIGINT
);

-- What the listener heard since its row before (one of another start: since
-- then). closed: connections; kernel_drops: datagrams; all others are lines.
CREATE TABLE heard (
    seq BIGINT, happened TIMESTAMP, lines BIGINT, signals BIGINT, strangers BIGINT, limited BIGINT,
    garbled BIGINT, cut BIGINT, closed BIGINT, kernel_drops BIGINT
);
