namespace Vtpm.Instance;

/// <summary>
/// What an instance needs of an engine, whichever TPM it is: it proposes a change, the host makes it durable, and only then is it taken.
/// </summary>
public interface ITpmEngine
{
    /// <summary>Executes one command without taking its effects: <see cref="Commit"/> does, and another proposal drops them.</summary>
    TpmProposal Propose(ReadOnlySpan<byte> request, int locality, Span<byte> response);

    /// <summary>Takes the last proposal as the state.</summary>
    void Commit();

    /// <summary>Writes the response of a command whose effects could not be made durable.</summary>
    /// <param name="request">The command.</param>
    /// <param name="response">Where the proposal's response stood; it must not leave.</param>
    /// <param name="isTransient">Whether the client may try again.</param>
    /// <returns>Bytes of the response.</returns>
    int WriteNotSaved(ReadOnlySpan<byte> request, Span<byte> response, bool isTransient);
}

/// <summary>A command executed, and not yet taken.</summary>
/// <param name="ResponseLength">Bytes of its response.</param>
/// <param name="State">What must be durable before the response leaves; null when nothing that lasts has changed. Valid until the next proposal.</param>
/// <param name="Boot">
/// What the TPM knows of its platform's boot, where that has changed: for a host that keeps a record of it, on the record before the response leaves.
/// Valid until the next proposal.
/// </param>
public readonly record struct TpmProposal(int ResponseLength, ReadOnlyMemory<byte>? State, ReadOnlyMemory<byte>? Boot = null);
