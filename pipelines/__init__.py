"""When and where the hops run: folders, store, jobs, schedules, sensors, command line."""
