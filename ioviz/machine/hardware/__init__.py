"""The devices: network card and link, and what each of the CPU's acts costs."""
