"""What people ask for, one verb each: it knows rows and rules, and neither HTTP nor the queue."""
