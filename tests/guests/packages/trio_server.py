"""trio's echo server, in capitals; it ends after two seconds."""

import trio


async def echo(stream):
    async for data in stream:
        await stream.send_all(data.upper())
    print("a client is gone")


async def main():
    with trio.move_on_after(2):
        await trio.serve_tcp(echo, 8000, host="127.0.0.1")
    print("the server ends")


trio.run(main)
