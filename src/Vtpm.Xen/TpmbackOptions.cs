using Vtpm.Transports;

namespace Vtpm.Xen;

/// <summary>Answers one request. Called for one request at a time, always on the backend's thread.</summary>
/// <param name="client">Who asks. It asks nothing more before this is answered, also when its frontend closes and another kernel's opens.</param>
/// <param name="locality">At which locality, 0 to 255: the frontend's word.</param>
/// <param name="request">One whole message; a copy, which nobody changes.</param>
/// <param name="response">Takes the response; <see cref="TpmMessage.MaxLength"/> bytes.</param>
/// <returns>
/// The length of the response, or <see cref="TpmServer.Deferred"/>: then <see cref="Tpmback.Complete"/> gives it later, the request being in
/// <see cref="TpmbackClient.Request"/> until then.
/// </returns>
public delegate int TpmbackHandler(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response);

/// <summary>Limits and callbacks of a backend. Callbacks run on the backend's thread.</summary>
public sealed record TpmbackOptions
{
    /// <summary>Devices served at a time; more are left waiting.</summary>
    public int MaxClients { get; init; } = 4096;

    /// <summary>A device was announced; false refuses it.</summary>
    public Func<TpmbackClient, bool>? ClientOpened { get; init; }

    /// <summary>
    /// The toolstack and the frontend hear of a device that was let in by <see cref="Tpmback.Announce(TpmbackClient)"/>, and not at once: for a service that has to start
    /// something for it first. The toolstack lets the domain run when it has heard, or gives up after some ten seconds.
    /// </summary>
    public bool AnnounceLater { get; init; }

    /// <summary>
    /// Devices are announced and connected, and requests left on their pages until <see cref="Tpmback.Begin"/>: for a TPM that may take longer to start
    /// than the toolstack waits for a device.
    /// </summary>
    public bool IsHeld { get; init; }

    /// <summary>A device that was let in is gone. What it has deferred needs no answer any more.</summary>
    public Action<TpmbackClient>? ClientClosed { get; init; }

    /// <summary>
    /// Each turn ends with it, after one request of each frontend that had one: what those that were deferred have in common, such as a write to a
    /// disk, is done once here, before each is completed.
    /// </summary>
    public Action? TurnEnded { get; init; }

    /// <summary>For how often a frontend may cost something without asking anything.</summary>
    public TimeProvider Time { get; init; } = CoarseTime.Shared;

    /// <summary>One line, without its end, for each thing worth knowing; of one frontend no more than a few a minute.</summary>
    public Action<string>? Log { get; init; }
}
