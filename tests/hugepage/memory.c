/* SPDX-License-Identifier: MIT */
/*
 * Reads /proc and /sys with stdio, and catches the signal of a touch by a jump out of its handler.
 * Invariant: the handlers that were there are there again when a touch returns. No lock.
 */
#include "memory.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static sigjmp_buf escape;

static void jump(int signal)
{
    siglongjmp(escape, signal);
}

static void catch (struct sigaction *old_segv, struct sigaction *old_bus)
{
    struct sigaction action = {.sa_handler = jump};
    sigaction(SIGSEGV, &action, old_segv);
    sigaction(SIGBUS, &action, old_bus);
}

static void release(const struct sigaction *old_segv, const struct sigaction *old_bus)
{
    sigaction(SIGSEGV, old_segv, NULL);
    sigaction(SIGBUS, old_bus, NULL);
}

int touch_write(void *address, char value)
{
    struct sigaction segv, bus;
    catch (&segv, &bus);
    int raised = sigsetjmp(escape, 1);
    if (raised == 0)
        *(volatile char *)address = value;
    release(&segv, &bus);
    return raised;
}

int touch_read(const void *address, char *ret_value)
{
    struct sigaction segv, bus;
    catch (&segv, &bus);
    int raised = sigsetjmp(escape, 1);
    if (raised == 0)
        *ret_value = *(const volatile char *)address;
    release(&segv, &bus);
    return raised;
}

bool all_bytes(const void *base, size_t size, char value)
{
    const char *bytes = base;
    return bytes[0] == value && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* Moves on to the first line after the header of the mapping that holds the address. */
static bool seek_mapping(FILE *smaps, uintptr_t address)
{
    char line[4608];
    uintptr_t start, end;
    while (fgets(line, sizeof(line), smaps) != NULL)
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2 && address >= start &&
            address < end)
            return true;
    return false;
}

bool vm_flag(const void *address, const char *flag)
{
    char line[4608], wanted[8];
    bool found = false;
    snprintf(wanted, sizeof(wanted), " %s ", flag);
    FILE *smaps = fopen("/proc/self/smaps", "re");
    assert_non_null(smaps);
    assert_true(seek_mapping(smaps, (uintptr_t)address));
    while (fgets(line, sizeof(line), smaps) != NULL)
        if (strncmp(line, "VmFlags:", 8) == 0) {
            found = strstr(line + 8, wanted) != NULL;
            break;
        }
    fclose(smaps);
    return found;
}

size_t map_count(void)
{
    char buffer[4096];
    size_t lines = 0, got;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    setvbuf(maps, NULL, _IONBF, 0);
    while ((got = fread(buffer, 1, sizeof(buffer), maps)) > 0)
        for (size_t i = 0; i < got; i++)
            lines += buffer[i] == '\n';
    fclose(maps);
    return lines;
}

size_t huge_free(size_t page_size)
{
    char path[96];
    size_t pages = 0;
    snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%zukB/free_hugepages",
        page_size / 1024);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%zu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages;
}

bool thp_enabled(void)
{
    char line[64] = "";
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    if (file == NULL)
        return false;
    char *got = fgets(line, sizeof(line), file);
    fclose(file);
    return got != NULL && strstr(line, "[never]") == NULL;
}
