"""A long line to a site, as TCP sees it: each connection carries no more than its window in a round trip.

    long_line.py MILLISECONDS WINDOW_BYTES FROM=TO...      addresses; prints "ready", then serves

Where the kernel has netem that does it better; this needs neither the kernel nor a privilege.
"""

import asyncio
import sys

PIECE = 64 * 1024


async def carry(reader, writer, delay, window):
    """One direction: every byte arrives `delay` later; a byte is acknowledged another `delay` later."""
    loop = asyncio.get_running_loop()
    arriving = asyncio.Queue()
    room = asyncio.Event()
    under_way = 0

    def acknowledged(size):
        nonlocal under_way
        under_way -= size
        room.set()

    async def arrive():
        while True:
            due, data = await arriving.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not data:
                return
            writer.write(data)
            await writer.drain()
            loop.call_later(delay, acknowledged, len(data))

    arrival = asyncio.create_task(arrive())
    try:
        while True:
            while under_way >= window:
                room.clear()
                await room.wait()
            data = await reader.read(min(PIECE, window - under_way))
            under_way += len(data)
            arriving.put_nowait((loop.time() + delay, data))
            if not data:
                break
        await arrival
    except OSError:
        arrival.cancel()
    finally:
        writer.close()


async def serve(listen, to, delay, window):
    host, port = to.rsplit(":", 1)

    async def connected(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, far_writer, delay, window),
                             carry(far_reader, writer, delay, window))

    own_host, own_port = listen.rsplit(":", 1)
    return await asyncio.start_server(connected, own_host, int(own_port))


async def main(arguments):
    delay, window = float(arguments[0]) / 2000, int(arguments[1])
    servers = [await serve(*pair.split("="), delay, window) for pair in arguments[2:]]
    print("ready", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1:]))
    except KeyboardInterrupt:
        pass
