using System.Buffers.Binary;

namespace Vtpm.Client;

/// <summary>What a handle names, and its Name (TPM 2.0 Part 1 §16), by which the authorization of a command binds it.</summary>
public readonly record struct Tpm2Entity(uint Handle, ReadOnlyMemory<byte> Name)
{
    /// <summary>What is always there, PCRs, and sessions: the handle is the Name.</summary>
    public static Tpm2Entity OfHandle(uint handle)
    {
        byte[] name = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(name, handle);
        return new Tpm2Entity(handle, name);
    }
}

/// <summary>A key with its public area, as far as it reads (<see cref="TpmtPublic"/>).</summary>
public sealed record Tpm2Key(Tpm2Entity Entity, TpmtPublic Public);
