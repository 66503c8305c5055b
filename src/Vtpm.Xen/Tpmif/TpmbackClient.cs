using System.Globalization;

namespace Vtpm.Xen;

/// <summary>
/// The frontend of another domain, as the toolstack has announced it and Xen vouches for it. One that comes again is another client, of the same
/// numbers.
/// </summary>
/// <param name="domain">See <see cref="Domain"/>.</param>
/// <param name="device">See <see cref="Device"/>.</param>
/// <param name="uuid">See <see cref="Uuid"/>.</param>
public sealed class TpmbackClient(uint domain, uint device, Guid uuid)
{
    // Each request needs them.
    private readonly string _name = string.Create(CultureInfo.InvariantCulture, $"{domain}/{device}");
    private readonly string _address = string.Create(CultureInfo.InvariantCulture, $"xen:{domain}/{device}");

    /// <summary>The domain, by the number that it has until it ends.</summary>
    public uint Domain { get; } = domain;

    /// <summary>Which of its vTPM devices this is.</summary>
    public uint Device { get; } = device;

    /// <summary>The vTPM that it is to have: the toolstack's word (<c>uuid=</c> of its <c>vtpm=</c>), never the frontend's.</summary>
    public Guid Uuid { get; } = uuid;

    /// <summary>
    /// The domain's own uuid, which outlives its reboots and which it cannot change; null where neither the hypervisor nor xenstore tells it to
    /// this domain.
    /// </summary>
    public Guid? DomainUuid { get; internal set; }

    /// <summary>Whether the domain had run before the device came.</summary>
    public DomainHistory History { get; internal set; }

    /// <summary>The toolstack and the frontend were told of a backend before this one came: of one that has gone.</summary>
    public bool WasAnnounced { get; internal init; }

    /// <summary>
    /// The domain's XSM label; null where XSM is off. Outside dom0 it is known as soon as the frontend is connected, and so with each request.
    /// </summary>
    public string? Label { get; internal set; }

    /// <summary>
    /// Whether it can have had an answer since its frontend connected. A driver that has had none knows nothing of the TPM's durations and is
    /// patient: Linux's waits two minutes then, and for the quickest commands three seconds later.
    /// </summary>
    public bool IsAnswered { get; internal set; }

    /// <summary>What the <c>locality=</c> arguments call it: its label, or <c>xen:DOMAIN/DEVICE</c> where it has none.</summary>
    public string LabelOrAddress => Label ?? _address;

    /// <summary>For people, where the numbers alone say too little.</summary>
    public string Title { get; } = string.Create(CultureInfo.InvariantCulture, $"frontend {domain}/{device}");

    /// <summary>For the handler: what it remembers of this client.</summary>
    public object? State { get; set; }

    /// <summary>The request that is deferred; empty when there is none. Its bytes are gone with <see cref="Tpmback.Complete"/>.</summary>
    public ReadOnlyMemory<byte> Request { get; internal set; }

    public override string ToString() => _name;
}
