using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Capability;

public struct GetCapabilityOwnerResponse : IWireStructure<GetCapabilityOwnerResponse>
{
    public TpmVersion Version;
    public uint NonVolatileFlags;
    public uint VolatileFlags;

    public static void Describe<TCodec>(ref TCodec wire, ref GetCapabilityOwnerResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.Version);
        wire.UInt32(ref value.NonVolatileFlags);
        wire.UInt32(ref value.VolatileFlags);
    }
}

/// <summary><c>TPM_GetCapabilityOwner</c>, Part 3 §7.3: all flags at once, for the owner.</summary>
public sealed class GetCapabilityOwner()
    : TpmCommand<NoParameters, GetCapabilityOwnerResponse>(TpmOrdinal.GetCapabilityOwner, Sessions.One, Availability.Owned, Duration.Short)
{
    /// <summary>TPM_STRUCTURE_TAG, which comes before the flags on the wire.</summary>
    private const int TagSize = 2;

    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref GetCapabilityOwnerResponse response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        response.Version = tpm.Platform.Profile.Version;
        response.NonVolatileFlags = Bits(WireFormat.ToBytes(tpm.PermanentFlags));
        response.VolatileFlags = Bits(WireFormat.ToBytes(tpm.StClearFlags));
        return Success;
    }

    /// <summary>Bit N is the Nth flag of the structure, counted from 0.</summary>
    private static uint Bits(ReadOnlySpan<byte> structure)
    {
        uint bits = 0;
        ReadOnlySpan<byte> flags = structure[TagSize..];
        for (int i = 0; i < flags.Length; i++) bits |= (uint)flags[i] << i;
        return bits;
    }
}
