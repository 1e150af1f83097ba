//! The loops of Trainyard: ingest, reconcile, schedule, report; and the effects they perform.
