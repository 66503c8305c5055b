using Vtpm.Wire;

namespace Vtpm.Engine;

// Rows of the emulator's tables. Their tags were not always written, and are not asked for.

/// <summary>A monotonic counter; which row it has is its handle.</summary>
internal struct EmulatorCounter : IWireStructure<EmulatorCounter>
{
    public uint Label;
    public uint Value;
    public Secret? Auth;
    public bool IsValid;

    public static void Describe<TCodec>(ref TCodec wire, ref EmulatorCounter value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Skip(sizeof(ushort));
        wire.UInt32(ref value.Label);
        wire.UInt32(ref value.Value);
        wire.FixedSecret(ref value.Auth);
        wire.Bool(ref value.IsValid);
    }
}

/// <summary>A family of delegations.</summary>
internal struct EmulatorFamily : IWireStructure<EmulatorFamily>
{
    public TpmFamilyTableEntry Entry;

    public static void Describe<TCodec>(ref TCodec wire, ref EmulatorFamily value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Skip(sizeof(ushort));
        wire.UInt8(ref value.Entry.FamilyLabel);
        wire.UInt32(ref value.Entry.FamilyId);
        wire.UInt32(ref value.Entry.VerificationCount);
        wire.Enum(ref value.Entry.Flags);
    }
}

/// <summary>A delegation of the owner's that is loaded.</summary>
internal struct EmulatorDelegation : IWireStructure<EmulatorDelegation>
{
    public TpmDelegatePublic Pub;
    public Secret? Auth;

    public static void Describe<TCodec>(ref TCodec wire, ref EmulatorDelegation value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Skip(sizeof(ushort));
        wire.Structure(ref value.Pub);
        wire.FixedSecret(ref value.Auth);
    }
}

/// <summary>An NV area; its data is elsewhere.</summary>
internal struct EmulatorNvArea : IWireStructure<EmulatorNvArea>
{
    public TpmNvDataPublic Pub;
    public Secret? Auth;
    public uint Offset;

    public static void Describe<TCodec>(ref TCodec wire, ref EmulatorNvArea value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Skip(sizeof(ushort));
        wire.Structure(ref value.Pub);
        wire.FixedSecret(ref value.Auth);
        wire.UInt32(ref value.Offset);
    }
}
