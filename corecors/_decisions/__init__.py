"""What a request gets: header names and grammar, the request, the decision, and what makes one."""
