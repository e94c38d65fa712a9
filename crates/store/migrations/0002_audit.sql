-- Every node has a chain of its own. Rows are only ever added: nothing in this program changes or deletes one.
CREATE TABLE audit_entries (
    node TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    previous_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    entry TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (node, sequence)
);

CREATE TABLE audit_checkpoints (
    node TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    jws TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (node, sequence)
);
