using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>
/// Where the hardware TPM keeps what lies over the key of an image: bytes that no copy of a disk has. Once they are replaced, an older image does not
/// open any more, not even on a platform that it is sealed to.
/// </summary>
public interface IKeyMasks
{
    /// <summary>
    /// The masks that the area may hold, each of <see cref="ManagerImage.MaskSize"/> bytes; the image zeroes them after use, and finds out which one
    /// is its own. Two, where one is being replaced by the other. Null when the area is not there or does not open.
    /// </summary>
    /// <param name="slot">The area that the image names.</param>
    /// <param name="auth">Its authorization value.</param>
    /// <param name="reason">For people, when the answer is null.</param>
    IReadOnlyList<byte[]>? Read(uint slot, in TpmAuthData auth, out string reason);
}
