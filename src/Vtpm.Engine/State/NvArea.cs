using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary><c>TPM_NV_DATA_SENSITIVE</c>, Part 2 §19.4: an NV area with its data. What lasts only until TPM_Startup is in <see cref="StClearData"/>.</summary>
public sealed record NvArea
{
    public required uint Index { get; init; }

    /// <summary>The PCRs and localities that reading wants.</summary>
    public required TpmPcrInfoShort PcrInfoRead { get; init; }

    /// <summary>The PCRs and localities that writing wants.</summary>
    public required TpmPcrInfoShort PcrInfoWrite { get; init; }

    public required TpmNvPermission Permission { get; init; }

    /// <summary>bWriteDefine: written for the last time, when <see cref="TpmNvPermission.WriteDefine"/> asks for it.</summary>
    public bool WriteDefine { get; init; }

    public required Secret Auth { get; init; }

    /// <summary>As many bytes as the area was defined with; never changed in place.</summary>
    public required ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>What an authorization session is tied to when it is tied to this area.</summary>
    public AuthEntity Entity => AuthEntity.Numbered(TpmEntityType.Nv, Index);

    /// <summary>The owner made it, for the owner alone to read or write: it goes when the owner is cleared (Part 3 §6.2 action 12).</summary>
    public bool BelongsToOwner => Allows(TpmNvPermission.OwnerWrite | TpmNvPermission.OwnerRead) && (Index & TpmNvIndex.D) == 0;

    /// <summary>True when one of the attributes is set.</summary>
    public bool Allows(TpmNvPermission permission) => (Permission & permission) != 0;

    /// <summary>The data with some of it written; the same area when that changes nothing.</summary>
    public NvArea Write(int offset, ReadOnlySpan<byte> data)
    {
        if (Data.Span.Slice(offset, data.Length).SequenceEqual(data)) return this;
        byte[] bytes = Data.ToArray();
        data.CopyTo(bytes.AsSpan(offset));
        return this with { Data = bytes };
    }

    public bool Equals(NvArea? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => (int)Index;
}
