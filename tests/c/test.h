// What every C test leans on: a test is a program whose main calls its parts, each full of CHECKs,
// and returns test_report("name").
#ifndef UNROLLED_TEST_H
#define UNROLLED_TEST_H

#include <stdio.h>

static int test_checks, test_failures;

// Counts; a failure is printed with its place and does not stop the test.
#define CHECK(condition) test_check((condition) ? 1 : 0, #condition, __FILE__, __LINE__)

static inline int test_check(int passed, const char *what, const char *file, int line)
{
    test_checks++;
    if (!passed) {
        test_failures++;
        fprintf(stderr, "%s:%d: CHECK(%s) failed\n", file, line, what);
    }
    return passed;
}

// The exit code of the program.
static inline int test_report(const char *name)
{
    printf("%s: %d checks, %d failed\n", name, test_checks, test_failures);
    return test_failures == 0 ? 0 : 1;
}

#endif
