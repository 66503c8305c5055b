namespace Vtpm.Xen;

/// <summary>The frontend of another domain, as the toolstack has announced it and Xen vouches for it.</summary>
/// <param name="Domain">The domain, by the number that it has until it ends.</param>
/// <param name="Device">Which of its vTPM devices this is.</param>
/// <param name="Uuid">The vTPM that it is to have: the toolstack's word (<c>uuid=</c> of its <c>vtpm=</c>), never the frontend's.</param>
public sealed record TpmbackClient(uint Domain, uint Device, Guid Uuid)
{
    /// <summary>For the handler: what it remembers of this client.</summary>
    public object? State { get; set; }

    public override string ToString() => $"{Domain}/{Device}";
}

/// <summary>Answers one request. Called for one request at a time, always on the backend's thread.</summary>
/// <param name="client">Who asks.</param>
/// <param name="locality">At which locality, 0 to 255: the frontend's word.</param>
/// <param name="request">One whole message; a copy, which nobody changes.</param>
/// <param name="response">Takes the response; <see cref="Transports.TpmMessage.MaxLength"/> bytes.</param>
/// <returns>The length of the response.</returns>
public delegate int TpmbackHandler(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response);

/// <summary>Limits and callbacks of a backend. Callbacks run on the backend's thread.</summary>
public sealed record TpmbackOptions
{
    /// <summary>Devices served at a time; more are left waiting.</summary>
    public int MaxClients { get; init; } = 4096;

    /// <summary>A device was announced; false refuses it.</summary>
    public Func<TpmbackClient, bool>? ClientOpened { get; init; }

    /// <summary>A device that was let in is gone.</summary>
    public Action<TpmbackClient>? ClientClosed { get; init; }

    /// <summary>One line, without its end, for each thing worth knowing.</summary>
    public Action<string>? Log { get; init; }
}
