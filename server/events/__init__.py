"""Theme days and lectures: coordinators' rules and series, public pages, registration."""
