/* SPDX-License-Identifier: MIT */
/*
 * The course of `hostmem pressure`. Inside, -EINTR is a signal, other errors are those of the
 * output. One thread, no lock.
 */
#include "tools/pressure_run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/moment.h"
#include "tools/say.h"
#include "tools/units.h"

#define CONFIGURATION 8192                /* bytes that hold the text of it */
#define HOLD_USUAL_MS 500                 /* where that does not say */
#define RELIEF_NS     (1 * MOMENT_SECOND) /* beyond the hold */

/* -- lines -- */

__attribute__((format(printf, 2, 3))) static int line(
    const struct pressure_work *work, const char *format, ...)
{
    char time[SAY_TIME], text[SAY_LINE];
    va_list arguments;

    va_start(arguments, format);
    if (vsnprintf(text, sizeof(text), format, arguments) < 0)
        *text = '\0';
    va_end(arguments);
    return output_line(&work->session->output, "%s %s",
        say_time(work->session->start_ns, moment_now(), time), text);
}

static int print_load(const struct pressure_work *work, int node)
{
    struct hostmem *manager = work->session->manager;
    struct hostmem_load load;
    char name[SAY_NODE], text[SAY_LINE];
    int error = node == HOSTMEM_NODE_ALL ? hostmem_load(manager, &load)
                                         : hostmem_node_load(manager, node, &load);

    if (error < 0)
        return line(work, "%s load unknown: %s", say_node(node, name), hostmem_strerror(error));
    return line(work, "%s load %s", say_node(node, name), say_load(&load, text));
}

static int print_loads(const struct pressure_work *work)
{
    int error = print_load(work, work->node);

    return error < 0 ? error : print_load(work, HOSTMEM_NODE_ALL);
}

static int print_events(struct pressure_work *work)
{
    const struct session *session = work->session;
    struct hostmem_pressure pressure;
    char text[SAY_LINE];
    int error = 0;

    while (error == 0 && events_take(session->events, &pressure)) {
        work->levels[pressure.node == HOSTMEM_NODE_ALL] = pressure.level;
        error = output_line(&session->output, "%s", say_event(&pressure, session->start_ns, text));
    }
    return error;
}

/* Sleeps until the moment or an announcement, and prints what has come. */
static int rest(struct pressure_work *work, uint64_t until_ns)
{
    unsigned woken = session_wait(work->session, -1, until_ns);
    int error = print_events(work);

    if (error == 0 && woken & SESSION_SIGNAL && signals_take(work->session->signals) != 0)
        return -EINTR;
    return error == 0 && woken & SESSION_GONE ? -EPIPE : error;
}

/* -- taking -- */

static bool is_alike(const struct hostmem_receipt *a, const struct hostmem_receipt *b)
{
    return a->node_given == b->node_given && a->backing == b->backing &&
           a->page_size == b->page_size && a->reason == b->reason;
}

static const char *why(const struct hostmem_receipt *receipt, char ret_text[SAY_LINE])
{
    snprintf(ret_text, SAY_LINE, ": %s", say_reason(receipt->reason));
    return receipt->reason == HOSTMEM_REASON_NONE ? "" : ret_text;
}

/* Steps that got the same have one line. */
static int print_taken(struct pressure_work *work)
{
    const struct hostmem_receipt *receipt = &work->shown;
    char bytes[UNITS_TEXT], page[UNITS_TEXT], node[SAY_NODE], reason[SAY_LINE];
    size_t taken = work->shown_bytes;

    work->shown_bytes = 0;
    if (taken == 0)
        return 0;
    return line(work, "got %s from %s, %s, pages of %s%s", units_text(taken, bytes),
        say_node(receipt->node_given, node), say_backing(receipt->backing),
        units_text(receipt->page_size, page), why(receipt, reason));
}

static int take_step(struct pressure_work *work, size_t *ret_bytes)
{
    struct taking *taking = &work->taking;
    size_t bytes = taking_step(taking);
    int error = 0;

    if (bytes > 0 && work->shown_bytes > 0 && !is_alike(&work->shown, &taking->receipt))
        error = print_taken(work);
    if (bytes > 0)
        work->shown = taking->receipt;
    work->shown_bytes += bytes;
    *ret_bytes = bytes;
    return error < 0 ? error : rest(work, 0);
}

/* The limit that is nearest now is the one that stood in the way. */
static const char *in_the_way(const struct pressure_work *work, char ret_text[SAY_LINE])
{
    struct hostmem_load load;

    if (hostmem_node_load(work->session->manager, work->node, &load) < 0)
        return "";
    snprintf(
        ret_text, SAY_LINE, " (nearest limit: %s, %u%% full)", say_limit(load.limit), load.percent);
    return ret_text;
}

static void say_shortfall(const struct pressure_work *work)
{
    const struct taking *taking = &work->taking;
    char got[UNITS_TEXT], asked[UNITS_TEXT], limit[SAY_LINE];

    fprintf(stderr, "%s: only %s of %s from node %d: %s%s\n", work->session->command,
        units_text(taking->got, got), units_text(taking->asked, asked), work->node,
        hostmem_strerror(taking->error), in_the_way(work, limit));
}

static int take(struct pressure_work *work)
{
    size_t bytes = 1;
    int error = 0;

    taking_open(work->session->manager, work->node, work->bytes, &work->taking);
    while (error == 0 && bytes > 0)
        error = take_step(work, &bytes);
    if (error == 0 || error == -EINTR) {
        int printed = print_taken(work);

        error = printed < 0 ? printed : error;
    }
    if (error == 0 && work->taking.got < work->taking.asked)
        say_shortfall(work);
    return error;
}

/* -- holding -- */

static int hold(struct pressure_work *work)
{
    uint64_t now = moment_now(), end = moment_after(now, work->for_ns);
    char bytes[UNITS_TEXT];
    int error = print_loads(work);

    if (error == 0)
        error = line(work, "holding %s", units_text(work->taking.got, bytes));
    while (error == 0 && now < end) {
        error = rest(work, end);
        now = moment_now();
    }
    return error;
}

/* -- giving back -- */

/* HOSTMEM_HOLD_MS as it is in effect: before it is over no relief is announced. */
static uint64_t hold_ns(const struct pressure_work *work)
{
    static const char name[] = "HOSTMEM_HOLD_MS=";
    char text[CONFIGURATION];
    const char *at;

    hostmem_config_print(work->session->manager, text, sizeof(text));
    at = strstr(text, name);
    return (at == NULL ? HOLD_USUAL_MS : strtoull(at + strlen(name), NULL, 10)) * MOMENT_MS;
}

static bool is_low(const struct pressure_work *work)
{
    return work->levels[0] == HOSTMEM_LOW || work->levels[1] == HOSTMEM_LOW;
}

static int await_relief(struct pressure_work *work)
{
    uint64_t now = moment_now(), end = moment_after(now, hold_ns(work) + RELIEF_NS);
    int error = 0;

    while (error == 0 && is_low(work) && now < end) {
        error = rest(work, end);
        now = moment_now();
    }
    if (error == 0 && is_low(work))
        return line(work, "still low");
    return error;
}

static int give_back(struct pressure_work *work)
{
    char bytes[UNITS_TEXT];
    int error;

    taking_close(&work->taking);
    error = line(work, "gave back %s", units_text(work->taking.got, bytes));
    if (error == 0)
        error = await_relief(work);
    return error < 0 ? error : print_loads(work);
}

/* A signal ends the holding, and what is left to do is done; another one ends that. */
static int run(struct pressure_work *work)
{
    int error = print_loads(work);

    if (error == 0)
        error = take(work);
    if (error == 0 && work->taking.got > 0)
        error = hold(work);
    if (error == 0 || error == -EINTR)
        error = give_back(work);
    return error;
}

int pressure_run(struct pressure_work *work)
{
    const int nodes[] = {work->node, HOSTMEM_NODE_ALL};
    int status = session_listen(work->session, nodes, sizeof(nodes) / sizeof(nodes[0]));

    if (status != COMMAND_DONE)
        return status;
    work->levels[0] = work->levels[1] = HOSTMEM_NEUTRAL;
    status = session_status(work->session, run(work));
    /* A signal that came before the end of the taking leaves nothing wanting. */
    if (work->taking.step < TAKING_LEAST && work->taking.got < work->taking.asked)
        return COMMAND_FAILED;
    return status;
}
