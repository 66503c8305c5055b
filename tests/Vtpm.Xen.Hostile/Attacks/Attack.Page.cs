using static Vtpm.Xen.Hostile.HostileFrontend;

namespace Vtpm.Xen.Hostile;

/// <content>What can be done to the page and the event channel of an open device.</content>
internal sealed partial record Attack
{
    private const uint BadParamSize = 0x19;

    private static IEnumerable<Attack> OfThePage() =>
    [
        new("lengths", false, "lengths that no message has, or that do not fit", Lengths),
        new("sizes", false, "a length that is not the message's paramSize", Sizes),
        new("extra-pages", false, "255 further pages that are not there, and a message that needs none", ExtraPages255),
        new("states", false, "all bytes that are no state, and those that are the backend's", States),
        new("cancel", false, "cancels of nothing, and of what is being executed", Cancels),
        new("locality", false, "locality 255", (front, _) =>
        {
            front.Open();
            front.Put(Command);
            front.Locality = 255;
            front.Exchange();
        }),
        new("changing", false, "state, length and message changed without end while they are looked at", Changing),
        new("again", false, "a request in place of an answer that was not taken, without end", Again),
        new("storm", false, "notifications without a request, without end", Storm),
        new("flood", false, "requests without end", Flood),
        new("revoked", false, "the page taken back while a request is executed", Revoked),
        new("wild-pages", true, "further pages that are not there, and a message that needs them", WildPages),
    ];

    private static void Lengths(HostileFrontend front, TimeSpan time)
    {
        front.Open();
        foreach (uint length in (uint[])[0, 1, 9, 4089, 4096, 4097, 65536, int.MaxValue, 0x80000000, 0xFFFFFFF8, 0xFFFFFFFF])
        {
            front.Put(Command);
            front.Length = length;
            uint result = front.Exchange();
            Expect(result == BadParamSize, $"length {length} is answered with {result}");
        }

        front.AskOn();
    }

    private static void Sizes(HostileFrontend front, TimeSpan time)
    {
        front.Open();
        foreach (uint length in (uint[])[10, 17, 19, 4088])
        {
            front.Put(Command);
            front.Length = length;
            uint result = front.Exchange();
            Expect(result == BadParamSize, $"length {length} of a message of {Command.Length} bytes is answered with {result}");
        }
    }

    private static void ExtraPages255(HostileFrontend front, TimeSpan time)
    {
        front.Open();
        for (int i = 0; i < 255; i++) front.Page.WriteUInt32(8 + (4 * i), 0xFFFF0000 + (uint)i);
        front.Put(Command, extraPages: 255);
        front.State = Submit;
        front.Kick();
        front.Await(() => front.State == Finish, "a message that needs no further page is answered");
    }

    private static void States(HostileFrontend front, TimeSpan time)
    {
        front.Open();
        front.Put(Command);
        for (int state = 255; state >= 0; state--)
        {
            if (state is Submit or Cancel) continue;
            front.State = (byte)state;
            front.Kick();
        }

        front.AskOn();
    }

    private static void Cancels(HostileFrontend front, TimeSpan time)
    {
        front.Open();
        front.State = Cancel;
        front.Kick();
        front.Await(() => front.State == Idle, "a cancel of nothing leaves the page idle");
        Repeat(time, i =>
        {
            front.Put(Command);
            front.State = Submit;
            front.Kick();
            for (int spins = i % 1000; spins > 0; spins--) Thread.SpinWait(10);
            front.State = Cancel;
            front.Kick();
            front.Await(() => front.State is Idle or Finish, "a request that is cancelled comes to its end");
        });
        front.State = Idle;
        front.AskOn();
    }

    private static void Changing(HostileFrontend front, TimeSpan time)
    {
        front.Open();
        byte[] junk = new byte[64];
        Repeat(time, i =>
        {
            front.Put(Command);
            front.State = Submit;
            if (i % 16 == 0) front.Kick();
            front.Length = i % 2 == 0 ? 0xFFFFFFFF : (uint)i;
            junk.AsSpan().Fill((byte)i);
            front.Page.CopyFrom(8, junk);
            front.Locality = (byte)i;
            front.State = (byte)i;
        });
    }

    private static void Again(HostileFrontend front, TimeSpan time)
    {
        front.Open();
        Repeat(time, i =>
        {
            front.Put(Command);
            front.State = Submit;
            front.Kick();
            if (i % 2 == 0) front.Await(() => front.State == Finish, "a request in place of an answer is answered");
        });
    }

    private static void Storm(HostileFrontend front, TimeSpan time)
    {
        front.Open();
        front.State = Idle;
        Repeat(time, _ => front.Kick());
    }

    private static void Flood(HostileFrontend front, TimeSpan time)
    {
        front.Open();
        Repeat(time, _ => front.AskOn());
    }

    private static void Revoked(HostileFrontend front, TimeSpan time)
    {
        front.Open();
        front.Put(Command);
        front.State = Submit;
        front.Kick();
        front.Page.Dispose();
    }

    private static void WildPages(HostileFrontend front, TimeSpan time)
    {
        front.Open();
        byte[] command = new byte[ISharedPage.Size];
        Command.CopyTo(command, 0);
        command[4] = 0x10;
        command[5] = 0;
        front.Put(command, extraPages: 255);
        for (int i = 0; i < 255; i++) front.Page.WriteUInt32(8 + (4 * i), 0xFFFF0000 + (uint)i);
        front.State = Submit;
        front.Kick();
    }
}
