using Vtpm.Wire;

namespace Vtpm.Storage.Tests;

/// <summary>What a hardware TPM keeps beside the seals, reduced to what the image asks of it.</summary>
internal sealed class SoftMasks(params byte[][] held) : IKeyMasks
{
    public const uint Slot = 0x2000_D001;

    public static readonly TpmAuthData Auth = new(GoldenManagerImage.Pattern(0x70, 20));

    public int Reads { get; private set; }

    public static byte[] Mask(byte number) => GoldenManagerImage.Pattern(number, ManagerImage.MaskSize);

    public IReadOnlyList<byte[]>? Read(uint slot, in TpmAuthData auth, out string reason)
    {
        Reads++;
        (bool there, reason) = (slot == Slot && auth == Auth, "there is no such area");
        return there ? [.. held.Select(mask => (byte[])mask.Clone())] : null;
    }
}
