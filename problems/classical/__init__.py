"""Problems of published test sets: BOLIB, SMD and TP."""
