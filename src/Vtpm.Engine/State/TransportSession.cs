using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary><c>TPM_TRANSPORT_INTERNAL</c>, Part 2 §13.2: an open transport session.</summary>
public sealed record TransportSession : IHandled
{
    /// <summary>The session as the commands of §24 are authorized by it: its secret is authData, its nonce transNonceEven.</summary>
    public required AuthSession Auth { get; init; }

    public required TpmTransportPublic Public { get; init; }

    /// <summary>transDigest: the log of a session that keeps one.</summary>
    public TpmDigest Digest { get; init; }

    public uint Handle => Auth.Handle;

    public bool Encrypts => Public.TransAttributes.HasFlag(TpmTransportAttributes.Encrypt);

    public bool Logs => Public.TransAttributes.HasFlag(TpmTransportAttributes.Log);

    /// <summary>TPM_STANY_FLAGS.transportExclusive is TRUE while there is such a session; any other command ends it.</summary>
    public bool IsExclusive => Public.TransAttributes.HasFlag(TpmTransportAttributes.Exclusive);

    /// <summary>transDigest extended by an entry of the log.</summary>
    public TransportSession Log<T>(in T entry)
        where T : struct, IWireStructure<T> => this with { Digest = Digest.Extend(WireFormat.ToBytes(entry)) };

    public bool Equals(TransportSession? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => (int)Handle;
}
