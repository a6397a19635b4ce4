//! Throw-away PostgreSQL servers for the end-to-end tests.
