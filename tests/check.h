/* What every test program includes first: cmocka with its prerequisites. */
#ifndef TOCSIN_TESTS_CHECK_H
#define TOCSIN_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/text.h"

/* Sanitizers keep freed memory for a while: no measure of ours. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED false
#endif

/* Fails with the error's own words. */
#define assert_ok(call, err)                                                                                 \
    do {                                                                                                     \
        int rc_ = (call);                                                                                    \
        if (rc_ < 0) fail_msg("%s: %s (%s) at %s", #call, error_name(rc_), (err).message, (err).where);      \
    } while (0)

#endif
