using System.Globalization;

namespace Vtpm.Xen.Hostile;

/// <content>What can be done to the frontend's place in xenstore.</content>
internal sealed partial record Attack
{
    private static readonly string[] NoNumbers =
        ["", "-1", "eleven", "1.5", " 7", "0x10", "99999999999999999999", "4294967296", new string('9', 1000), "\u0661"];

    private static IEnumerable<Attack> OfXenstore() =>
    [
        new("no-numbers", false, "a page and a port that are no numbers, or far too large", NotNumbers),
        new("no-feature", false, "no word of version 2 of the protocol", (front, _) =>
        {
            Begin(front);
            front.Host.Store.Remove($"{front.Path}/feature-protocol-v2");
            front.SetState(3);
            front.Set("feature-protocol-v2", "2");
            front.SetState(4);
            front.SetState(3);
        }),
        new("orders", false, "all states, in every order, and others that are none", Orders),
        new("reopen", false, "opening and closing without end", (front, time) => Repeat(time, _ => front.Open())),
        new("states-storm", false, "states that change without end, and nobody waits for an answer", (front, time) =>
        {
            front.Open();
            Repeat(time, i => front.SetState(4 + (i % 3)));
        }),
        new("children", false, "nodes without end below the state", (front, time) =>
        {
            front.Open();
            Repeat(time, i => front.Set(string.Create(CultureInfo.InvariantCulture, $"state/{i % 100}"), "x"));
            for (int i = 0; i < 100; i++) front.Host.Store.Remove(string.Create(CultureInfo.InvariantCulture, $"{front.Path}/state/{i}"));
        }),
        new("republished", false, "another page and port published while connected", (front, _) =>
        {
            front.Open();
            front.Set("ring-ref", "1");
            front.Set("event-channel", "1");
            front.SetState(3);
            front.SetState(4);
        }),
        new("wild-page", true, "a page that was never granted", (front, _) => Wrong(front, "ring-ref", "1048575")),
        new("huge-page", true, "the largest number of a page", (front, _) => Wrong(front, "ring-ref", "4294967295")),
        new("wild-port", true, "a port that is none", (front, _) => Wrong(front, "event-channel", "3999")),
        new("huge-port", true, "the largest number of a port", (front, _) => Wrong(front, "event-channel", "4294967295")),
        new("others-page", true, "a page and a port that are for another domain", (front, _) =>
        {
            Begin(front);
            front.Renew(front.BackendDomain == 0 ? 1u : 0u);
            front.Publish();
            front.SetState(3);
        }),
        new("state-removed", true, "no state any more while a request is executed", (front, _) =>
        {
            front.Open();
            front.Put(HostileFrontend.Command);
            front.State = HostileFrontend.Submit;
            front.Kick();
            front.Host.Store.Remove($"{front.Path}/state");
        }),
        new("state-nonsense", true, "a state that is none while connected", (front, _) =>
        {
            front.Open();
            front.Set("state", "77");
        }),
    ];

    // As far as a frontend that has not said yet where its page is.
    private static void Begin(HostileFrontend front)
    {
        front.Open();
        front.SetState(6);
        front.Await(() => front.BackendState is 2 or 6, "the backend is ready for the next");
        front.Renew(front.BackendDomain);
        front.Publish();
    }

    private static void Wrong(HostileFrontend front, string name, string value)
    {
        Begin(front);
        front.Set(name, value);
        front.SetState(3);
    }

    private static void NotNumbers(HostileFrontend front, TimeSpan time)
    {
        foreach (string name in (string[])["ring-ref", "event-channel"])
        {
            foreach (string value in NoNumbers)
            {
                Begin(front);
                front.Set(name, value);
                front.SetState(3);
                front.SetState(4);
            }
        }
    }

    private static void Orders(HostileFrontend front, TimeSpan time)
    {
        int[] states = [1, 2, 3, 4, 5, 6];
        front.Open();
        foreach (int first in states)
        {
            foreach (int second in states)
            {
                front.SetState(first);
                front.SetState(second);
            }
        }
    }
}
