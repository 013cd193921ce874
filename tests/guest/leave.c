/* SPDX-License-Identifier: MIT */
/*
 * guest-leave STATUS: ends the emulator through its exit device, with status 2 * STATUS + 1. An odd
 * status is what nothing else can produce, a panic least of all. Static: it must run whatever the
 * tests did to the machine. Does not return when it works.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>

#define EXIT_PORT 0xf4 /* as machine.py tells the emulator */

int main(int argc, char **argv)
{
    if (argc != 2 || ioperm(EXIT_PORT, 1, 1) != 0) {
        fprintf(stderr, "guest-leave: the exit device cannot be reached\n");
        return 1;
    }
    outb((unsigned char)atoi(argv[1]), EXIT_PORT);
    return 1;
}
