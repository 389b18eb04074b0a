"""The self-test: errors planted one at a time in the code, and which claim sees each.

Read in this order:

planted            what a planted error is, and how it is put into the running code
errors_single_loop the errors planted in ZOBA, its variants and their estimators
errors_two_loops   those in the zeroth-order methods with two loops
errors_first_order those in the methods that query derivatives
errors_elsewhere   those in oracle, driver, directions, problems, statistics and theory
run                every error in a process of its own, judged by the claims of a suite
"""
