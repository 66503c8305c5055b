using System.Buffers.Binary;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Commands;

/// <summary>Startup, testing, opt-in, ownership, capabilities, endorsement (Part 3 §3 to §7, §14).</summary>
public static class Admin
{
    public static CommandStep Startup(TpmStartupType type) => new(TpmOrdinal.Startup, $"{type}") { Parameters = request => request.UInt16((int)type) };

    /// <summary>A command without parameters, whose answer has none either.</summary>
    public static CommandStep Plain(TpmOrdinal ordinal, params SessionUse[] auths) => new(ordinal) { Sessions = auths };

    /// <summary>A command with one BOOL, whose answer has nothing.</summary>
    public static CommandStep WithBool(TpmOrdinal ordinal, bool value, params SessionUse[] auths) =>
        new(ordinal, $"{value}") { Parameters = request => request.UInt8(value ? 1 : 0), Sessions = auths };

    public static CommandStep PhysicalPresence(int value) =>
        new(TpmOrdinal.TscPhysicalPresence, $"{(TpmPhysicalPresence)value}") { Parameters = request => request.UInt16(value) };

    public static CommandStep GetTestResult() => new(TpmOrdinal.GetTestResult) { Answer = answer => answer.VendorSized32("outData") };

    public static CommandStep GetCapability(TpmCapability area, byte[] subCap, Action<ResponseReader>? response = null) =>
        new(TpmOrdinal.GetCapability, $"{area} {Convert.ToHexStringLower(subCap)}")
        {
            Parameters = request =>
            {
                request.UInt32((uint)area);
                request.Sized32(subCap);
            },
            Answer = response ?? (answer => answer.Sized32($"{area} {Convert.ToHexStringLower(subCap)}")),
        };

    public static CommandStep GetProperty(TpmCapabilityProperty property, Action<ResponseReader>? response = null) =>
        GetCapability(TpmCapability.Property, TestTpm.BigEndian((uint)property), response);

    /// <summary>TPM_PERMANENT_FLAGS, flag by flag.</summary>
    public static CommandStep GetPermanentFlags() => GetCapability(TpmCapability.Flag, TestTpm.BigEndian((uint)TpmCapabilityFlag.Permanent), answer =>
    {
        answer.UInt32("respSize");
        answer.UInt16("permanentFlags.tag");
        foreach (TpmPermanentFlag flag in Enum.GetValues<TpmPermanentFlag>().Skip(1)) answer.UInt8($"permanentFlags.{flag}");
    });

    public static CommandStep GetHandles(TpmResourceType type) => GetCapability(TpmCapability.Handle, TestTpm.BigEndian((uint)type), HandleList);

    public static CommandStep SetCapability(TpmSetCapability area, uint subCap, byte[] value, params SessionUse[] auths) =>
        new(TpmOrdinal.SetCapability, $"{area} {subCap} to {Convert.ToHexStringLower(value)}")
        {
            Parameters = request =>
            {
                request.UInt32((uint)area);
                request.Sized32(TestTpm.BigEndian(subCap));
                request.Sized32(value);
            },
            Sessions = auths,
        };

    public static CommandStep SetOperatorAuth(byte[] secret) => new(TpmOrdinal.SetOperatorAuth) { Parameters = request => request.Literal(secret) };

    public static CommandStep CreateEndorsementKeyPair(TpmKeyParms parms) => new(TpmOrdinal.CreateEndorsementKeyPair)
    {
        Parameters = request =>
        {
            request.Literal(new byte[20]);
            request.Structure(parms);
        },
        Answer = answer =>
        {
            answer.Memory.Moduli[SideMemory.Ek] = Keys.PubKey(answer, isOwn: true);
            answer.Own("checksum", 20);
        },
    };

    public static CommandStep ReadPubek() => new(TpmOrdinal.ReadPubek)
    {
        Parameters = request => request.Literal(new byte[20]),
        Answer = answer =>
        {
            Keys.PubKey(answer, isOwn: true);
            answer.Own("checksum", 20);
        },
    };

    public static CommandStep OwnerReadInternalPub(int key, SessionUse auth) => new(TpmOrdinal.OwnerReadInternalPub, Keys.Name(key))
    {
        Parameters = request => request.Key(key),
        Sessions = [auth],
        Answer = answer => Keys.PubKey(answer, isOwn: true),
    };

    public static CommandStep OwnerReadPubek(SessionUse auth) => new(TpmOrdinal.OwnerReadPubek)
    {
        Sessions = [auth],
        Answer = answer => Keys.PubKey(answer, isOwn: true),
    };

    public static CommandStep TakeOwnership(byte[] ownerAuth, byte[] srkAuth, TpmKey srkParams, SessionUse auth) => new(TpmOrdinal.TakeOwnership)
    {
        Parameters = request =>
        {
            request.UInt16((int)TpmProtocolId.Owner);
            request.OwnSized32(request.EncryptFor(SideMemory.Ek, ownerAuth));
            request.OwnSized32(request.EncryptFor(SideMemory.Ek, srkAuth));
            request.Structure(srkParams);
        },
        Sessions = [auth],
        Answer = answer => Keys.Key(answer, SideMemory.Srk),
    };

    public static CommandStep GetCapabilityOwner(SessionUse auth) => new(TpmOrdinal.GetCapabilityOwner)
    {
        Sessions = [auth],
        Answer = answer =>
        {
            answer.Vendor("version", 4);
            uint flags = BinaryPrimitives.ReadUInt32BigEndian(answer.Vendor("non_volatile_flags", 4));
            answer.Add("non_volatile_flags.allowMaintenance", $"{flags >> 5 & 1}");
            answer.Add("non_volatile_flags", $"{flags & ~(1u << 5):x8}");
            answer.UInt32("volatile_flags");
        },
    };

    /// <summary>TPM_KEY_HANDLE_LIST: how many, for the handles are each side's own.</summary>
    public static void HandleList(ResponseReader answer)
    {
        answer.UInt32("respSize");
        int count = answer.UInt16("loaded");
        answer.Own("handle", 4 * count);
    }
}
