-- The rows of the audit trail as text, in the order in which they are hashed.
-- Parameters: after this sequence number, up to this one. Rows: seq, text.
SELECT seq, concat_ws(chr(31), 'record', device_id::VARCHAR, kind, key, present::VARCHAR,
       coalesce(parent, chr(30)), coalesce(encapsulation, chr(30)), coalesce(outer_tags, chr(30)),
       coalesce(inner_tags, chr(30)), coalesce(tpid, chr(30)), coalesce(l2::VARCHAR, chr(30)),
       coalesce(bundle, chr(30)), coalesce(service_kind, chr(30)), coalesce(service, chr(30)),
       coalesce(neighbours, chr(30)), coalesce(router_interface, chr(30)), coalesce(admin, chr(30)),
       coalesce(description, chr(30)), coalesce(source, chr(30)), coalesce(who, chr(30)),
       coalesce(why, chr(30)), epoch_us(happened)::VARCHAR) AS line
FROM record_event WHERE seq > $1 AND seq <= $2
UNION ALL
SELECT seq, concat_ws(chr(31), 'change', coalesce(what, chr(30)), coalesce(plan, chr(30)),
       coalesce(run::VARCHAR, chr(30)), coalesce(evidence, chr(30)), coalesce(undoes::VARCHAR, chr(30)),
       coalesce(allowed, chr(30))) AS line
FROM record_change WHERE seq > $1 AND seq <= $2
UNION ALL
SELECT seq, concat_ws(chr(31), 'decision', device_id::VARCHAR, kind, key, choice, class,
       coalesce(wanted, chr(30)), coalesce(fact, chr(30)), coalesce(record, chr(30)), coalesce(who, chr(30)),
       coalesce(why, chr(30)), coalesce(evidence, chr(30)), coalesce(epoch_us(until)::VARCHAR, chr(30)),
       coalesce(request::VARCHAR, chr(30)), epoch_us(happened)::VARCHAR) AS line
FROM decision_event WHERE seq > $1 AND seq <= $2
ORDER BY seq, line;
