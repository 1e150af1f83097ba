//! GitHub at the edge: signed webhooks in, statuses and comments out, and a simulator of it.
