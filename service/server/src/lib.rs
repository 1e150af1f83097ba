//! Trainyard: continuous training with the manners of good CI.
