//! All SQL of Trainyard: runs, deliveries, the outbox and ML Metadata, in SQLite or PostgreSQL.
