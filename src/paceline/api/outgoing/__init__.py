"""What goes out, as the OpenAPI document describes it: the services' views, field by field.

Written out rather than derived, so that a change inside does not change the API by accident.
"""
