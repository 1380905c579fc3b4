"""What is looked at before anything starts, for every command alike: `up`, `api`, `worker`,
`migrate`, `doctor`; readiness asks the same about PostgreSQL.

Nothing here changes anything. What is found is told with what to do about it.
"""
