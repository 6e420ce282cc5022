"""The instructor's side: the hidden tests run here, a student's code runs in a process of its own."""
