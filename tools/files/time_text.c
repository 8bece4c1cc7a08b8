/* SPDX-License-Identifier: Apache-2.0 */
/* Times of files as text, for whoever may open nothing. */
#include "tools/files/time_text.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * Not by gmtime_r and strftime: the first call of either opens /etc/localtime, and this process opens
 * nothing. Counted in eras of 400 years that begin on a 1st of March, so that a leap day is the last of its
 * year.
 */
void time_text_write(char *text, size_t size, int64_t time)
{
	const int64_t day_seconds = 86400, era_days = 146097;
	int64_t days, second, era, day, year, month;

	/* a time outside what a calendar holds is the file's doing, not an error */
	if (time < -62135596800 || time > 253402300799) {
		snprintf(text, size, "%" PRId64, time);
		return;
	}
	days = time / day_seconds - (time % day_seconds < 0) + 719468; /* since 0000-03-01 */
	second = (time % day_seconds + day_seconds) % day_seconds;
	era = days / era_days;
	day = days % era_days;
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153; /* from March */
	day -= (153 * month + 2) / 5;
	year += 400 * era + (month >= 10);
	month += month < 10 ? 3 : -9;
	snprintf(text, size,
		 "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64 "Z", year,
		 month, day + 1, second / 3600, second / 60 % 60, second % 60);
}
