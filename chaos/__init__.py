"""Faults on purpose, under load: does the service lose, double, swap or misstate a document? See docs/reliability.md.

======================  ================================================================================================
`script`, `plan`        what is sent, and which fault comes when: both drawn from one seed
`run`                   the system, the faults, the end of the faults, the wait until everything has ended
`workers`, `proxy`      what is done to the worker processes, and to every call between them and the gateway
`times`, `lag`          the workers' time-outs, in the shipped ratios; queries that lag behind the books
`neighbours`            companies that are slow or hang, among the healthy ones
`topic_faults`          topics that are deleted, cut, given partitions, copied to another cluster
`memory_faults`         when that is done, whether workers notice it, and the order of the repair
`keeper`                the person who repairs, by the service's own commands
`gateway`, `books`      the seam behind which a gateway stands: our simulator, or any other; and what is in its books
`watch`                 reads every topic while it grows, and holds committed offsets against outcomes
`audit`, `report`       pure: sent, answered and standing give findings; findings and figures give the report
`broken`                a worker with one guard broken, to show that the harness can fail
======================  ================================================================================================
"""
