using System.Buffers.Binary;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Capability;

/// <summary>The common restrictions of Part 2 §21.5, each as a check.</summary>
internal static class SetRestriction
{
    /// <summary>Owner authorization. What was sent is verified already: here it matters that it was sent.</summary>
    public static TpmResult Owner(CommandContext tpm) => tpm.Auths.Count == 1 ? Success : AuthFail;

    /// <summary>No authorization: a command that brings one does not conform with the table.</summary>
    public static TpmResult NoAuthorization(CommandContext tpm) => tpm.Auths.Count == 0 ? Success : BadParameter;

    public static TpmResult Presence(CommandContext tpm) => tpm.PhysicalPresence ? Success : BadPresence;

    public static TpmResult Locality3Or4(CommandContext tpm) => tpm.Locality is 3 or 4 ? Success : BadLocality;

    /// <summary>A BOOL: one byte, 0 or 1.</summary>
    public static TpmResult Bool(ReadOnlySpan<byte> setValue, out bool value)
    {
        value = setValue is [1];
        return setValue is [0 or 1] ? Success : BadParameter;
    }

    /// <summary>A BOOL that can be set to one value only.</summary>
    public static TpmResult Only(ReadOnlySpan<byte> setValue, bool only) => Bool(setValue, out bool value) == Success && value == only ? Success : BadParameter;

    /// <summary>A UINT32.</summary>
    public static TpmResult Number(ReadOnlySpan<byte> setValue, out uint value) =>
        BinaryPrimitives.TryReadUInt32BigEndian(setValue, out value) && setValue.Length == sizeof(uint) ? Success : BadParameter;
}
